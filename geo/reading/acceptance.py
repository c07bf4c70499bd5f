"""The drafts that a person confirmed, into the archive: through the gate that every incident goes through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.intake import Receipt, import_files

if TYPE_CHECKING:
    from geo.archive import Archive


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
    """
    return import_files(archive, "review", review, **settings)[0]
