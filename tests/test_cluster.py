"""Spans, in this process or by Dask, give the same figures to the last bit."""

from __future__ import annotations

import io
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner

from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import UsageError
from geo.importing.importer import import_files
from geo.measure.areas import EVERYWHERE, zones_by_unit
from geo.measure.ellipsoid import areas_km2
from geo.measure.series import parallel as cluster
from geo.measure.series.panel import class_ledgers, joined
from geo.measure.series.parallel import ledger_of, partition_of, series_changes, span_changes, spans_of
from geo.schema import parse_instant


@pytest.fixture(scope="module")
def archive(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    path = tmp_path_factory.mktemp("cluster") / "a.gpkg"
    import_files(path, "deepstate", sorted((shared / "deepstate-raw").glob("*.geojson"))[::12])
    return open_archive(path)


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 7, 16])
@pytest.mark.parametrize("by_unit", [False, True])
def test_any_spans_give_the_same_bits(archive: Archive, size: int, by_unit: bool) -> None:
    instants = sorted({parse_instant(d) for d in archive.reader.snapshots()["depicts"]})
    units = archive.units(1)
    zones = zones_by_unit(units[units["parent"].isin(["UA"])]) if by_unit else list(EVERYWHERE)
    whole = series_changes(archive.path, "deepstate", instants, zones)
    parts = []
    for a in range(0, len(instants), size):
        mine = instants[max(a - 1, 0) : a + size]
        parts.append(
            (len(instants[a : a + size]), span_changes(archive.path, "deepstate", mine, a > 0, zones, False, None))
        )
    together = joined(parts, len(zones))
    assert list(together) == list(whole)
    for key, changes in whole.items():
        for one, other in zip(changes, together[key], strict=True):
            assert one.tobytes() == other.tobytes(), key
    assert sum(c.gained.sum() for c in whole.values()) > 0


@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_long_series_is_made_span_by_span_and_is_the_same(
    archive: Archive, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = archive.series()
    monkeypatch.setattr(cluster, "_IN_MEMORY", size)
    done: list[tuple[int, int]] = []
    pd.testing.assert_frame_equal(archive.series(progress=lambda *at: done.append(at)), whole, check_exact=True)
    count = whole["date"].nunique()
    assert done == sorted(done)
    assert done[-1] == (count, count)


def test_a_ledger_survives_geoparquet(archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is not installed (the extra 'parquet')")
    instants = sorted({parse_instant(d) for d in archive.reader.snapshots()["depicts"]})
    for number, made in enumerate(
        class_ledgers(archive.store.rows_between("deepstate", instants, None), instants).values()
    ):
        partition_of(made).to_parquet(tmp_path / f"{number}.parquet")
        back = ledger_of(gpd.read_parquet(tmp_path / f"{number}.parquet"), made.count)
        assert back.areas_km2().tobytes() == made.areas_km2().tobytes()
        for one, other in zip(made.steps(), back.steps(), strict=True):
            assert other.growth_km2 == pytest.approx(one.growth_km2, abs=1e-6)
            assert areas_km2(other.gained).sum() == pytest.approx(areas_km2(one.gained).sum(), abs=1e-6)
            assert areas_km2(other.lost).sum() == pytest.approx(areas_km2(one.lost).sum(), abs=1e-6)


def test_spans_cover_the_series_once() -> None:
    for count in (0, 1, 15, 16, 17, 353, 4000):
        for pieces in (1, 3, 8, 1000):
            covered = [i for a, b in spans_of(count, pieces) for i in range(a, b)]
            assert covered == list(range(count))


def test_a_local_cluster_and_a_running_one_equal_one_process(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (the extra 'cluster')")
    monkeypatch.setattr(cluster, "_SHORTEST", 8)
    monkeypatch.setattr(cluster, "_LOCAL_WORKERS_PAY", 0)
    alone = archive.series(by="unit", level=1)
    pd.testing.assert_frame_equal(archive.series(by="unit", level=1, workers=2), alone, check_exact=True)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as running:
        args = ["series", str(archive.path), "--by", "unit", "--level", "1", "--scheduler", running.scheduler_address]
        result = CliRunner().invoke(main, [*args, "-o", str(tmp_path / "s.csv")], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    read = pd.read_csv(tmp_path / "s.csv", parse_dates=["date"], float_precision="round_trip")
    assert pd.api.types.is_datetime64_any_dtype(read["date"])
    assert {"area_km2", "gained_km2", "lost_km2", "share_percent"} <= set(read.columns)
    assert (read["area_km2"].to_numpy() == alone["area_km2"].to_numpy()).all()


def test_panels_of_many_archives_are_those_of_each(archive: Archive, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (the extra 'cluster')")
    for name in ("b.gpkg", "a.gpkg"):
        (tmp_path / name).write_bytes(archive.path.read_bytes())
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as running:
        shared = ["--scheduler", running.scheduler_address]
        texts = []
        for more in ([], shared):
            args = ["panel", str(tmp_path / "*.gpkg"), "--freq", "YS", "--format", "csv", *more]
            result = CliRunner().invoke(main, args, catch_exceptions=False)
            assert result.exit_code == 0, result.output
            texts.append(result.stdout)
        with distributed.Client(running) as client, pytest.raises(UsageError) as raised:
            cluster.gathered(client, cluster.seen_by_worker, [(tmp_path / "gone.gpkg",)])
        (worker,) = running.scheduler_info["workers"]
    assert texts[0] == texts[1]
    rows = pd.read_csv(io.StringIO(texts[0]))
    alone = archive.panel(freq="YS", by=None)
    assert rows["archive"].tolist() == ["a.gpkg"] * len(alone) + ["b.gpkg"] * len(alone)
    assert rows["area_km2"].tolist() == pytest.approx([*alone["area_km2"]] * 2)
    assert all(part in str(raised.value) for part in (worker, "gone.gpkg"))


def test_of_a_short_series_no_worker_is_started(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "dask_client", None)
    pd.testing.assert_frame_equal(archive.series(workers=2), archive.series(), check_exact=True)


def test_what_cannot_be_shared_out(archive: Archive) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed (the extra 'cluster')")
    with pytest.raises(UsageError, match="1 or more"):
        archive.series(workers=0)
    with pytest.raises(UsageError, match="cannot be reached"):
        archive.series(scheduler="nonsense://nowhere")


def test_parquet_has_dates_and_the_same_figures(archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is not installed (the extra 'parquet')")
    run = CliRunner()
    run.invoke(main, ["series", str(archive.path), "-o", str(tmp_path / "s.parquet")], catch_exceptions=False)
    read = pd.read_parquet(tmp_path / "s.parquet")
    assert str(read["date"].dt.tz) == "UTC"
    assert (read["area_km2"].to_numpy() == archive.series()["area_km2"].to_numpy()).all()
    wrong = run.invoke(main, ["series", str(archive.path), "-o", str(tmp_path / "s.xls")])
    assert wrong.exit_code == 2
    assert ".parquet" in wrong.output
