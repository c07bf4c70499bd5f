"""Dates shared out to processes, each with the archive open and held still for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from geo.archive import Archive

T = TypeVar("T")


def by_workers(
    archive: Archive, work: Sequence[Any], done: Callable[[Archive, Any], T], *, workers: int
) -> Iterator[T]:
    """Do the same for every item, in order."""
    if workers == 1 or len(work) < 2:
        yield from (done(archive, item) for item in work)
        return
    # started afresh: a fork would share the open archive
    processes = get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(work)), processes, _take_up, (type(archive), archive.path)) as pool:
        yield from pool.map(partial(_in_worker, done), work, chunksize=4)


_held: list[Archive] = []  # a worker's own archive
_still = ExitStack()  # which is held still for as long as the worker lives


def _take_up(kind: type[Archive], path: Path) -> None:
    _held.append(kind(path))
    _still.enter_context(_held[0].holding())


def _in_worker(done: Callable[[Archive, Any], T], item: Any) -> T:
    return done(_held[0], item)
