"""Text from outside as HTML that no browser takes for anything but text."""

from __future__ import annotations

import html
import re
from typing import Any

_UNSHOWN = re.compile("[\0\ud800-\udfff]")


def escape(text: Any) -> str:
    """Text as HTML shows it."""
    return html.escape("" if text is None else without_unseen(str(text)), quote=True)


def without_unseen(text: str) -> str:
    """Text with a mark in place of what no HTML may hold."""
    return _UNSHOWN.sub("\ufffd", text)
