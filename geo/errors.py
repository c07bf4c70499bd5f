"""Every error that geo raises on purpose: one base, few leaves, each named for where it went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# said where a person stops a run (Ctrl-C), with this exit code
STOPPED = "stopped; what was written until now is whole, and the same command takes up the rest"
STOPPED_CODE = 130


class GeoError(Exception):
    """Base of all errors raised on purpose. The message says where, what is wrong and the way out."""

    exit_code = 1

    @property
    def page(self) -> str:
        """Where the documents say more: the argument of ``geo help``."""
        return f"errors#{type(self).__name__.lower()}"


class UsageError(GeoError):
    """The call itself cannot be answered: an argument is missing, unknown or contradicts another."""

    exit_code = 2


class FileError(GeoError):
    """A file cannot be read: it is absent, damaged, of another kind, or past a stated limit."""


class GateError(GeoError):
    """A file was read, and what it holds cannot be let into an archive.

    Attributes
    ----------
    refusals : tuple of geo.schema.Refusal
        The rows turned back, where all of them were.
    """

    def __init__(self, message: str = "", refusals: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.refusals = tuple(refusals)


class ArchiveError(GeoError):
    """An archive cannot be opened, is damaged, is of a newer layout, or is held by another writer."""


class FetchError(GeoError):
    """A source's address does not give what it should, or may not be asked."""


class BusyError(GeoError):
    """Another run has the same work in hand."""

    exit_code = 5


class NoSnapshotError(GeoError):
    """No snapshot depicts the date asked for, or none that the caller accepts."""


class UnitError(UsageError):
    """A unit's code or name is unknown, or fits several units."""


class SourceError(UsageError):
    """A source must be named, or the one named is not in the archive."""


class MapError(GeoError):
    """A map or page cannot be made, or would not be safe to publish."""
