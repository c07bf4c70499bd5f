"""Every error that geo raises on purpose: one base, few leaves, each named for where it went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# said where a person stops a run (Ctrl-C), with this exit code
STOPPED = "stopped; what was written until now is whole, and the same command takes up the rest"
STOPPED_CODE = 130


class GeoError(Exception):
    """Base of all errors raised on purpose. The message says where, what is wrong and the way out.

    Examples
    --------
    >>> try:
    ...     archive.area("some day")
    ... except geo.GeoError as error:
    ...     print(error)
    date 'some day' cannot be read: write it as 2024-12-31 (YYYY-MM-DD)...
    """

    exit_code = 1

    @property
    def page(self) -> str:
        """Where the documents say more: the argument of ``geo help``."""
        return f"errors#{type(self).__name__.lower()}"


class UsageError(GeoError):
    """The call itself cannot be answered: an argument is missing, unknown or contradicts another.

    Examples
    --------
    >>> try:
    ...     archive.area(status="lost")
    ... except geo.UsageError as error:
    ...     print(error)
    status lost is unknown; the known ones: held, ...
    """

    exit_code = 2


class FileError(GeoError):
    """A file cannot be read: it is absent, damaged, of another kind, or past a stated limit.

    Examples
    --------
    >>> try:
    ...     geo.check_archive("nowhere.gpkg")
    ... except geo.FileError as error:
    ...     print(error)
    nowhere.gpkg...
    """


class GateError(GeoError):
    """A file was read, and what it holds cannot be let into an archive.

    Parameters
    ----------
    message : str
        Where, what is wrong, and the way out.
    refusals : iterable of geo.schema.Refusal
        The rows turned back, where all of them were; kept as a tuple.

    Examples
    --------
    >>> try:
    ...     archive.area("2025-02-30")
    ... except geo.GateError as error:
    ...     print(error)
    date '2025-02-30' cannot be read: there is no such day as 2025-02-30
    """

    def __init__(self, message: str = "", refusals: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class ArchiveError(GeoError):
    """An archive cannot be opened, is damaged, is of a newer layout, or is held by another writer.

    Examples
    --------
    >>> try:
    ...     geo.open_archive("nowhere.gpkg").snapshots()
    ... except geo.ArchiveError as error:
    ...     print(error)
    nowhere.gpkg...
    """


class FetchError(GeoError):
    """A source's address does not give what it should, or may not be asked."""


class BusyError(GeoError):
    """Another run has the same work in hand."""

    exit_code = 5


class NoSnapshotError(GeoError):
    """No snapshot depicts the date asked for, or none that the caller accepts.

    Examples
    --------
    >>> try:
    ...     archive.area("2024-01-01")
    ... except geo.NoSnapshotError as error:
    ...     print(error)
    no snapshot of seeds depicts 2024-01-01 or a day before it; the first depicts 2024-08-08...
    """


class UnitError(UsageError):
    """A unit's code or name is unknown, or fits several units.

    Examples
    --------
    >>> try:
    ...     archive.area(within="Nowhere Oblast")
    ... except geo.UnitError as error:
    ...     print(error)
    no unit 'Nowhere Oblast' in the archive...
    """


class SourceError(UsageError):
    """A source must be named, or the one named is not in the archive.

    Examples
    --------
    >>> try:
    ...     pair.area("2025-01-11")
    ... except geo.SourceError as error:
    ...     print(error)
    pair.gpkg holds control from several sources; name one (--source): other, seeds
    """


class MapError(GeoError):
    """A map or page cannot be made, or would not be safe to publish.

    Examples
    --------
    >>> try:
    ...     geo.save_map(geo.draw_map(archive, "2025-01-11", draw_basemap=False), "map.png")
    ... except geo.MapError as error:
    ...     print(error)
    map.png...
    """
