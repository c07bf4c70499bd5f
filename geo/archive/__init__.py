"""The archive as its users know it: what stood on a date, how much that is, and what changed."""

from __future__ import annotations

from pathlib import Path

from geo.archive.comparisons import Sides
from geo.archive.contents import Holdings
from geo.archive.edits import Entries
from geo.archive.figures import Figures
from geo.archive.locations import Places
from geo.archive.notebook_card import archive_card, sentence
from geo.archive.results import FAR
from geo.errors import ArchiveError, UsageError


def open_archive(path: str | Path, *, raw: bool = False) -> Archive:
    """Open an archive; one that is not there yet is made by the first import.

    Parameters
    ----------
    path : str or pathlib.Path
        A GeoPackage (``.gpkg``).
    raw : bool
        True passes over the archive's rules against harm (docs/rules.md): for the owner's own eyes, not for output.

    Returns
    -------
    Archive

    Raises
    ------
    UsageError
        The path is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder; an archive is one file, such as {path / 'control.gpkg'}")
    return Archive(path, raw=raw)


class Archive(Holdings, Figures, Places, Sides, Entries):
    """Dated control, incidents and units in one GeoPackage. Open it with `open_archive`."""

    def _repr_html_(self) -> str:
        try:
            tables = self.sources(), self.snapshots(as_known_on=FAR), self.store.layers()
        except ArchiveError as error:
            return sentence(str(error))
        return archive_card(self.path, *tables)
