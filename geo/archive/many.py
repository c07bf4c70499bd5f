"""Figures of many archives, each by itself: in this process or by a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from geo.archive import open_archive
from geo.errors import GeoError, UsageError
from geo.measure.series.parallel import dask_client, gathered, seen_by_worker


def panels(
    paths: Sequence[Path],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    **asked: Any,
) -> pd.DataFrame:
    """`Archive.panel` of one archive after the other; the first column says which."""
    jobs = [(path.resolve() if scheduler or workers else path, asked) for path in paths]
    if workers is None and scheduler is None:
        tables = []
        for job in jobs:
            tables.append(_panel_of(*job))
            if progress is not None:
                progress(len(tables), len(jobs))
    else:
        with dask_client(workers, scheduler) as client:
            tables = gathered(client, _panel_in_worker, jobs, progress=progress)
    whole = pd.concat([t.assign(archive=p.name) for p, t in zip(paths, tables, strict=True)], ignore_index=True)
    notes = {p.name: t.attrs.get("notes", ()) for p, t in zip(paths, tables, strict=True)}
    whole.attrs["notes"] = tuple(f"{name}: {note}" for name, listed in notes.items() for note in listed)
    return whole[["archive", *whole.columns.drop("archive")]]


def _panel_of(path: Path, asked: Mapping[str, Any]) -> pd.DataFrame:
    try:
        return open_archive(path).panel(**asked)
    except GeoError as error:
        raise UsageError(str(error) if path.name in str(error) else f"{path}: {error}") from None


def _panel_in_worker(path: Path, asked: Mapping[str, Any]) -> pd.DataFrame:
    return _panel_of(seen_by_worker(path), asked)
