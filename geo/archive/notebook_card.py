"""What a notebook shows of an archive and of a page: HTML without a script, and a frame in a world of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from geo.presentation.html_text import escape
from geo.schema import text_or_none

# notebooks typeset what stands between dollar signs; text from outside is none of theirs
PLAIN = 'class="tex2jax_ignore mathjax_ignore" style="overflow-x:auto"'
_LEFT = "text-align:left"


def framed(page: str, *, title: str) -> str:
    """A page as a frame that a notebook can show without a file beside it."""
    return (
        f'<iframe srcdoc="{escape(page)}" title="{escape(title)}" sandbox="allow-scripts" referrerpolicy="no-referrer" '
        'width="100%" height="720" style="display:block;width:100%;height:720px;border:0"></iframe>'
    )


def archive_card(path: Path, sources: pd.DataFrame, snapshots: pd.DataFrame, layers: pd.DataFrame) -> str:
    """An archive in a notebook: where it is, from whom it has what, of which dates, and how much."""
    titles = dict(zip(sources["name"], sources["title"], strict=True))
    licences = dict(zip(sources["name"], sources["licence"], strict=True))
    counts = {(r["layer"], r["name"]): r for r in layers.to_dict("records")}
    rows: list[Sequence[Any]] = []
    for name, mine in snapshots.groupby("source"):
        dates = sorted(mine["depicts"])
        drawn = counts.pop(("control", name), {"rows": 0})["rows"]
        count = f"{len(dates):,} snapshot{'' if len(dates) == 1 else 's'}, {drawn:,} polygons"
        rows.append(("control", _named(name, titles), count, dates[0], dates[-1], licences.get(name)))
    for (layer, name), row in counts.items():
        named = _named(name, titles) if layer == "incidents" else name
        rows.append((layer, named, f"{row['rows']:,}", row["first"], row["last"], licences.get(name)))
    head = f"<p><strong>Archive</strong> {escape(path)}</p>"
    if not rows:
        return f"<div {PLAIN}>{head}<p>Nothing is in it yet: geo.import_files takes files in.</p></div>"
    heads = "".join(f'<th style="{_LEFT}">{w}</th>' for w in ("Layer", "Source", "Holds", "From", "To", "Licence"))
    body = "".join(
        "<tr>" + "".join(f'<td style="{_LEFT}">{escape(_cell(cell))}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f"<div {PLAIN}>{head}<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"


def sentence(text: str) -> str:
    """A line of text from outside."""
    return f"<div {PLAIN}><p>{escape(text)}</p></div>"


def _named(name: Any, titles: Mapping[Any, Any]) -> str:
    title = text_or_none(titles.get(name))
    return f"{title} ({name})" if title and title != name else str(name)


def _cell(value: Any) -> str:
    """A cell; of an instant at midnight its day alone."""
    text = text_or_none(value) or "–"
    return text.removesuffix("T00:00:00.000Z")
