"""What every question to an archive stands on: its file, the state it is read in, and the source that is meant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from geo.archive.queries import Reader
from geo.storage.store import Store

A = TypeVar("A", bound="Opened")
P = ParamSpec("P")
T = TypeVar("T")


def held(ask: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
    """A question answered from one state of the archive, in which nothing is read twice."""

    @wraps(ask)
    def answer(archive: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with archive.store.holding():
            return ask(archive, *args, **kwargs)

    return answer


class Opened:
    """An archive that is open: one GeoPackage, and how it is read for answers."""

    def __init__(self, path: str | Path, *, raw: bool = False) -> None:
        self.path = Path(path)
        self.store = Store(self.path)
        self._reader = Reader(self.store, raw=raw)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Archive({str(self.path)!r})"

    def close(self) -> None:
        """Leave the archive as one file; reading goes on working."""
        self.store.close()

    def holding(self) -> AbstractContextManager[None]:
        """All that is asked inside ``with archive.holding():`` is answered from one state, and read once.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        return self.store.holding()

    def source_name(self, source: str | None = None) -> str:
        """The source meant: the one named, or the only one that the archive has control from.

        Parameters
        ----------
        source : str or None
            Its name.

        Returns
        -------
        str

        Raises
        ------
        SourceError
            The archive has several and none is named, or it has not the one named; the message lists them.
        """
        return self._reader.source_name(source)
