"""Dates shared out to processes, each with the archive open and held still for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import shapely

from geo.errors import GeoError, MapError, UsageError
from geo.presentation.language import current, speaking
from geo.schema import number_of

if TYPE_CHECKING:
    from geo.archive import Archive

T = TypeVar("T")


def attempted(archive: Archive, item: Any, *, done: Callable[[Archive, Any], T]) -> T | Exception:
    """What comes of an item, or the error that stops this one alone; an error in the call itself stops all."""
    try:
        return done(archive, item)
    except UsageError:
        raise
    except (GeoError, shapely.errors.ShapelyError) as error:
        return error


def report_left_out(failed: Mapping[Any, Exception], *, of: int) -> None:
    """Name the days that could not be drawn, once all others are; where none could be, the first error is it."""
    if not failed:
        return
    listed = "".join(f"\n  {day}: {' '.join(str(error).split())}" for day, error in failed.items())
    others = "none is drawn" if len(failed) == of else "the others are"
    raise MapError(f"{len(failed)} of {number_of(of, 'day')} could not be drawn, {others}:{listed}")


def by_workers(
    archive: Archive, work: Sequence[Any], done: Callable[[Archive, Any], T], *, workers: int
) -> Iterator[T]:
    """Do the same for every item, in order."""
    if workers == 1 or len(work) < 2:
        yield from (done(archive, item) for item in work)
        return
    # started afresh: a fork would share the open archive
    processes = get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(work)),
        processes,
        _take_up,
        (type(archive), archive.path, archive.reader.max_age_days, current().code),
    ) as pool:
        yield from pool.map(partial(_in_worker, done), work, chunksize=4)


_held: list[Archive] = []  # a worker's own archive
_still = ExitStack()  # which is held still for as long as the worker lives


def _take_up(kind: type[Archive], path: Path, max_age_days: float | None, lang: str) -> None:
    _still.enter_context(speaking(lang))
    _held.append(kind(path, max_age_days=max_age_days))
    _still.enter_context(_held[0].holding())


def _in_worker(done: Callable[[Archive, Any], T], item: Any) -> T:
    return done(_held[0], item)
