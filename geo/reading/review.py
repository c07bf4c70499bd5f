"""The review file: every draft of a briefing as a row that a person confirms, corrects or passes over."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geo.pages.page import write_page
from geo.reading.drafts import Span
from geo.reading.reader import SPAN_FIELDS, Draft, Reading
from geo.sources.review import CONFIRM, escaped

# what a desk looks at first stands first; the columns are those of `geo import … incidents`
COLUMNS = (
    "event_id", "date_start", "date_end", "date_prec", "where_coordinates", "adm_1", "adm_2", "country",
    "latitude", "longitude", "where_prec", "uncertainty_km", "event_type", "sub_event_type", "actor1", "actor2",
    "low", "best", "high", "injured_low", "injured_best", "injured_high", "captured", "claimed_by", "verification",
    "source", "source_date", "source_headline", "source_article", "lang", "report_date", "notes", "tags", "iso",
    "where_description", "gazetteer", "place_id",
)  # fmt: skip
QUOTES = tuple(f"words_{name}" for name in SPAN_FIELDS)
PROVENANCE = ("told", "briefing", "briefing_sha256")


def write_review(reading: Reading, path: str | Path) -> Path:
    """Write the drafts of a briefing as a file that opens in a spreadsheet.

    Parameters
    ----------
    reading : Reading
        As `geo.read_briefing` gives it.
    path : str or pathlib.Path
        A CSV file: UTF-8 with a byte order mark, commas. Cells that a spreadsheet would compute begin with an
        apostrophe, which ``geo accept`` takes off again.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MapError
        The file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([CONFIRM, *COLUMNS, *QUOTES, *PROVENANCE])
    for draft in reading.incidents:
        writer.writerow(["", *(escaped(v) for v in _row(draft, reading))])
    return write_page("\ufeff" + text.getvalue(), Path(path))


def _row(draft: Draft, reading: Reading) -> list[Any]:
    words = [quoted(draft.spans.get(name, ())) for name in SPAN_FIELDS]
    told = " […] ".join(span.text.strip() for span in draft.told)
    return [*(_cell(draft.fields[c]) for c in COLUMNS), *words, told, reading.source.name, reading.source.sha256]


def _cell(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def quoted(spans: Sequence[Span]) -> str:
    """Words of the briefing with their offsets: ``drone attack [936-948]``."""
    return " | ".join(f"{span.text.strip()} [{span.start}-{span.end}]" for span in spans)
