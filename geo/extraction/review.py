"""The drafts that a person confirmed, into the archive: through the gate that every incident goes through."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.extraction.drafts import SPAN_FIELDS
from geo.importing.importer import Receipt, import_files
from geo.sources.review_rows import CONFIRM, escaped
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.extraction.briefing import Draft, Reading
    from geo.extraction.drafts import Span


def accept_review(archive: Archive | str | Path, review: str | Path, **settings: Any) -> Receipt:
    """Take the confirmed rows of a review file into an archive.

    Parameters
    ----------
    archive : Archive, str or pathlib.Path
        It is made where there is none.
    review : str or pathlib.Path
        As `geo.write_review` wrote it, with ``y`` in the column ``confirm`` of the rows to keep. What was corrected
        in other cells counts; the row as it stands, with the words of the briefing, its name and its hash, goes into
        ``orig``.
    **settings
        Fields of `geo.Options`: ``encoding``, ``delimiter``, ``decimal``.

    Returns
    -------
    Receipt
        Rows in = stored + refused + left out (not confirmed). ``outcome`` is ``refused``, with the reason in ``error``,
        where nothing is confirmed or the file is no review file.

    Raises
    ------
    ArchiveError
        The archive cannot be made or written.
    UsageError
        There is no such setting.

    Examples
    --------
    >>> reading = geo.read_briefing("seeds/briefing-2025-01-11.txt", archive=archive)
    >>> receipt = geo.accept_review(archive, geo.write_review(reading, "review.csv"))
    >>> receipt.outcome  # no row is confirmed yet
    'refused'
    """
    return import_files(archive, "review", review, **settings)[0]


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

    Examples
    --------
    >>> reading = geo.read_briefing("seeds/briefing-2025-01-11.txt", archive=archive)
    >>> geo.write_review(reading, "review.csv").name
    'review.csv'
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
