"""Tasks shared out: to nobody, to processes of this machine, or to the workers of a Dask scheduler; one answer.

A task carries all that it needs, but for files, which a worker must see under the same path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from socket import gethostname
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import shapely

from geo import __version__
from geo.errors import ArchiveError, GeoError, MapError, UsageError
from geo.presentation.language import current, speaking
from geo.schema import number_of

if TYPE_CHECKING:
    from geo.archive import Archive

T = TypeVar("T")
_MOST_AT_ONCE = 8  # tasks that a worker does with an archive opened once
_PARTS_A_WORKER = 4  # so that none waits long for the others at the end
_PARTS_BY_DASK = 32
# two threads of a worker may not use the library of pictures, nor first ask a prepared shape that they share
_ONE_AT_A_TIME = Lock()


class _Setting(NamedTuple):
    """What a worker must have as the caller does: the version, the language, the archive and its state."""

    version: str
    lang: str
    archive: tuple[type[Archive], Path, float | None] | None
    state: str | None
    files: tuple[Path, ...]


def share_out(
    done: Callable[..., T],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    archive: Archive | None = None,
    files: Sequence[Path] = (),
    at_once: int = _MOST_AT_ONCE,
) -> Iterator[T]:
    """What comes of each task, in their order; `done` gets the archive first where there is one, held still."""
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot work: 1 or more")
    if scheduler is None and ((workers or 1) == 1 or len(tasks) < 2):
        here = done if archive is None else partial(done, archive)
        yield from (here(*task) for task in tasks)
        return
    held = None if archive is None else (type(archive), archive.path.absolute(), archive.reader.max_age_days)
    state = None if archive is None else archive.store.last_recorded()
    setting = _Setting(__version__, current().code, held, state, tuple(files))
    wanted = _PARTS_BY_DASK if scheduler else _PARTS_A_WORKER * (workers or 1)
    size = max(1, min(at_once, math.ceil(len(tasks) / wanted)))
    parts = [tasks[i : i + size] for i in range(0, len(tasks), size)]
    share = partial(_by_dask, scheduler=scheduler) if scheduler else partial(_by_processes, workers=workers or 1)
    for answers in share(done, setting, parts):
        yield from answers


def _by_processes(
    done: Callable[..., T], setting: _Setting, parts: Sequence[Any], workers: int
) -> Iterator[Sequence[T]]:
    # started afresh: a fork would share the open archive
    start = ProcessPoolExecutor(min(workers, len(parts)), get_context("spawn"), _hold, (setting,))
    with start as pool:
        try:
            yield from pool.map(partial(_do, done, setting), parts)
        except BrokenProcessPool:
            raise UsageError(
                "a process of --workers was ended from outside (killed, or out of memory): what was written until now"
                " is whole; fewer workers need less memory"
            ) from None


def _by_dask(done: Callable[..., T], setting: _Setting, parts: Sequence[Any], scheduler: str) -> Iterator[Sequence[T]]:
    with _dask_client(scheduler) as client:
        # sent once, though every task needs it; made again where the worker that had it is lost
        shared = client.submit(_same, done, pure=False)
        futures = [client.submit(_do_for_dask, shared, setting, part, pure=False) for part in parts]
        lost = (CancelledError, import_module("distributed").KilledWorker)
        for number, future in enumerate(futures):
            try:
                answers = future.result()
            except lost as error:
                raise UsageError(
                    f"the Dask cluster {scheduler} lost its workers ({error}): the same call without it still works"
                ) from None
            futures[number] = None  # or the cluster would keep every answer to the end
            yield answers


@contextmanager
def _dask_client(scheduler: str) -> Iterator[Any]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError("a scheduler needs Dask, which is not installed: pip install 'geo-control[cluster]'") from None
    try:
        client = distributed.Client(scheduler, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"the Dask scheduler {scheduler} cannot be reached: {error}") from None
    with client:
        yield client


def _same(done: T) -> T:
    return done


def _do_for_dask(done: Callable[..., T], setting: _Setting, part: Sequence[tuple[Any, ...]]) -> list[T]:
    worker = f"the worker {import_module('distributed').get_worker().address} on {gethostname()}"
    if setting.version != __version__:
        raise UsageError(f"{worker} has geo-control {__version__}, this is {setting.version}: the same is needed there")
    named = (value for task in part for value in task if isinstance(value, Path))
    for path in (*setting.files, *(setting.archive[1:2] if setting.archive else ()), *named):
        if not path.exists():
            raise UsageError(f"{path}: {worker} sees no such file: give it the folder under the same path")
    with _ONE_AT_A_TIME:
        try:
            return _do(done, setting, part)
        except GeoError as error:
            error.args = (f"{error} ({worker})",)
            raise


_held: list[Archive] = []  # of a process of --workers, for as long as it lives: what it remembers serves all its tasks
_still = ExitStack()


def _hold(setting: _Setting) -> None:
    if setting.archive is not None and setting.archive[1].exists():
        kind, path, max_age_days = setting.archive
        _held.append(kind(path, max_age_days=max_age_days))
        _still.enter_context(_held[0].holding())


def _do(done: Callable[..., T], setting: _Setting, part: Sequence[tuple[Any, ...]]) -> list[T]:
    with speaking(setting.lang):
        if setting.archive is None:
            return [done(*task) for task in part]
        kind, path, max_age_days = setting.archive
        archive = _held[0] if _held else kind(path, max_age_days=max_age_days)
        with archive.holding():
            if archive.store.last_recorded() != setting.state:
                raise ArchiveError(f"{path}: it was written to while it was read: the same command again reads it anew")
            return [done(archive, *task) for task in part]


def attempted(archive: Archive, *task: Any, done: Callable[..., T]) -> T | Exception:
    """What comes of a task, or the error that stops this one alone; an error in the call itself stops all."""
    try:
        return done(archive, *task)
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
