"""Text from outside as HTML that no browser takes for anything but text."""

from __future__ import annotations

import html
import re
from typing import Any

# notebooks typeset what stands between dollar signs; text from outside is none of theirs
PLAIN_DIV = 'class="tex2jax_ignore mathjax_ignore" style="overflow-x:auto"'
_UNSHOWN = re.compile("[\0\ud800-\udfff]")


def escape(text: Any) -> str:
    """Text as HTML shows it."""
    return html.escape("" if text is None else without_unseen(str(text)), quote=True)


def without_unseen(text: str) -> str:
    """Text with a mark in place of what no HTML may hold."""
    return _UNSHOWN.sub("\ufffd", text)


def framed(page: str, *, title: str) -> str:
    """A page as a frame that a notebook can show without a file beside it."""
    return (
        f'<iframe srcdoc="{escape(page)}" title="{escape(title)}" sandbox="allow-scripts" referrerpolicy="no-referrer" '
        'width="100%" height="720" style="display:block;width:100%;height:720px;border:0"></iframe>'
    )
