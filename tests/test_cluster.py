"""Spans, in this process or by Dask, give the same figures to the last bit."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo import workers
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import ArchiveError, UsageError
from geo.importing.importer import import_files
from geo.measure.areas import EVERYWHERE, zones_by_unit
from geo.measure.ellipsoid import areas_km2
from geo.measure.series import parallel
from geo.measure.series.panel import class_ledgers, joined
from geo.measure.series.parallel import ledger_of, partition_of, series_changes, span_changes, spans_of
from geo.schema import parse_instant
from geo.workers import share_out


@pytest.fixture(scope="module")
def archive(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    path = tmp_path_factory.mktemp("cluster") / "a.gpkg"
    import_files(path, "deepstate-mirror", sorted((shared / "deepstate-mirror").glob("*.geojson"))[::18])
    return open_archive(path)


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 7, 16])
@pytest.mark.parametrize("by_unit", [False, True])
def test_any_spans_give_the_same_bits(archive: Archive, size: int, by_unit: bool) -> None:
    instants = sorted({parse_instant(d) for d in archive.reader.snapshots()["depicts"]})
    units = archive.units(1)
    zones = zones_by_unit(units[units["parent"].isin(["UA"])]) if by_unit else list(EVERYWHERE)
    whole = series_changes(archive.path, "deepstate-mirror", instants, zones)
    parts = []
    for a in range(0, len(instants), size):
        mine = instants[max(a - 1, 0) : a + size]
        parts.append(
            (len(instants[a : a + size]), span_changes(archive.path, "deepstate-mirror", mine, a > 0, zones=zones))
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
    monkeypatch.setattr(parallel, "_IN_MEMORY", size)
    done: list[tuple[int, int]] = []
    pd.testing.assert_frame_equal(archive.series(progress=lambda *at: done.append(at)), whole, check_exact=True)
    count = whole["date"].nunique()
    assert done == sorted(done)
    assert done[-1] == (count, count)


def test_a_ledger_survives_geoparquet(archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is not installed (the extra 'parquet')")
    instants = sorted({parse_instant(d) for d in archive.reader.snapshots()["depicts"]})
    for number, made in enumerate(
        class_ledgers(archive.store.rows_between("deepstate-mirror", instants, None), instants).values()
    ):
        partition_of(made).to_parquet(tmp_path / f"{number}.parquet")
        back = ledger_of(gpd.read_parquet(tmp_path / f"{number}.parquet"), made.count)
        assert back.areas_km2().tobytes() == made.areas_km2().tobytes()
        for one, other in zip(made.steps(), back.steps(), strict=True):
            assert other.growth_km2 == pytest.approx(one.growth_km2, abs=1e-6)
            assert areas_km2(other.gained).sum() == pytest.approx(areas_km2(one.gained).sum(), abs=1e-6)
            assert areas_km2(other.lost).sum() == pytest.approx(areas_km2(one.lost).sum(), abs=1e-6)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a running cluster of two workers, as on two other machines."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (the extra 'cluster')")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):  # which only a server of this machine is shown
            patch.setenv(f"AWS_{name}", "made up")
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as running:
            yield running.scheduler_address


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_spans_cover_the_series_once() -> None:
    for count in (0, 1, 15, 16, 17, 353, 4000, 50_000):
        covered = [i for a, b in spans_of(count) for i in range(a, b)]
        assert covered == list(range(count))


def test_processes_and_a_cluster_measure_a_series_as_one_process(
    archive: Archive, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_SHORTEST", 8)
    monkeypatch.setattr(parallel, "_LOCAL_WORKERS_PAY", 0)
    alone = archive.series(by="unit", level=1)
    pd.testing.assert_frame_equal(archive.series(by="unit", level=1, workers=2), alone, check_exact=True)
    asked = ("--by", "unit", "--level", "1", "--scheduler", scheduler)
    run("series", archive.path, *asked, "-o", tmp_path / "s.csv")
    read = pd.read_csv(tmp_path / "s.csv", parse_dates=["date"], float_precision="round_trip")
    assert pd.api.types.is_datetime64_any_dtype(read["date"])
    assert {"area_km2", "gained_km2", "lost_km2", "share_percent"} <= set(read.columns)
    assert (read["area_km2"].to_numpy() == alone["area_km2"].to_numpy()).all()


@pytest.fixture
def small(tmp_path: Path) -> Archive:
    made = open_archive(tmp_path / "small.gpkg")
    for day in DAYS:
        ground = gpd.GeoDataFrame(geometry=[shapely.box(35, 48, 36 + int(day[-1]) / 10, 49)], crs=4326)
        made.add_control(ground, source="desk", date=day, controller="RU", status="held")
    return made


DAYS = ("2024-08-01", "2024-08-02", "2024-08-03")


def panel_of(*places: object) -> pd.DataFrame:
    text = CliRunner().invoke(
        main, ["panel", *map(str, places), "--freq", "D", "--format", "csv"], catch_exceptions=False
    )
    assert text.exit_code == 0, text.output
    return pd.read_csv(io.StringIO(text.stdout))


def test_a_ledger_stands_for_the_archive_that_it_is_of(small: Archive, scheduler: str, tmp_path: Path) -> None:
    ledger = geo.export(small, tmp_path / "ledger.parquet", from_=DAYS[0])
    found, whole = panel_of(ledger, "--scheduler", scheduler), panel_of(small.path)
    assert found["area_km2"].tolist() == pytest.approx(whole["area_km2"].tolist(), rel=1e-12)
    same = [name for name in whole if name not in ("archive", "area_km2")]
    pd.testing.assert_frame_equal(found[same], whole[same])
    geo.export(small, tmp_path / "map.parquet", date=DAYS[1])
    assert "no ledger: it lacks valid_to" in run("panel", tmp_path / "map.parquet", code=2)


def test_ledgers_on_object_storage_are_one_command(small: Archive, scheduler: str, tmp_path: Path) -> None:
    moto = pytest.importorskip("moto.server", reason="moto is not installed (the extra 'dev')")
    fs = pytest.importorskip("pyarrow.fs", reason="Parquet is not installed (the extra 'parquet')")
    ledger = geo.export(small, tmp_path / "ledger.parquet", from_=DAYS[0])
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        way = f"endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        store, _ = fs.FileSystem.from_uri(f"s3://bucket?{way}&allow_bucket_creation=true")
        store.create_dir("bucket")
        for name in ("a", "b"):
            with store.open_output_stream(f"bucket/wars/{name}.parquet") as stream:
                stream.write(ledger.read_bytes())
        address = f"s3://bucket/wars/*.parquet?{way}"
        alone, shared = panel_of(address), panel_of(address, "--scheduler", scheduler)
        assert "set AWS_ACCESS_KEY_ID" in run("panel", "s3://a:b@bucket/c.parquet", code=2)
        assert "s3://bucket/wars/c.parquet" in run("panel", f"s3://bucket/wars/c.parquet?{way}", code=2)
    finally:
        server.stop()
    pd.testing.assert_frame_equal(shared, alone, check_exact=True)
    rows = panel_of(small.path)
    assert alone["archive"].tolist() == ["a.parquet"] * len(rows) + ["b.parquet"] * len(rows)
    assert alone["area_km2"].tolist() == pytest.approx([*rows["area_km2"]] * 2, rel=1e-12)


def test_panels_of_many_archives_are_those_of_each(archive: Archive, scheduler: str, tmp_path: Path) -> None:
    for name in ("b.gpkg", "a.gpkg"):
        (tmp_path / name).write_bytes(archive.path.read_bytes())
    shares: list[tuple[str, ...]] = [(), ("--workers", "2"), ("--scheduler", scheduler)]
    texts = [
        run("panel", tmp_path / "*.gpkg", "--freq", "YS", "--format", "csv", "-o", tmp_path / "p.csv", *more)
        and (tmp_path / "p.csv").read_text()
        for more in shares
    ]
    assert len(set(texts)) == 1
    rows = pd.read_csv(io.StringIO(texts[0]))
    alone = archive.panel(freq="YS", by=None)
    assert rows["archive"].tolist() == ["a.gpkg"] * len(alone) + ["b.gpkg"] * len(alone)
    assert rows["area_km2"].tolist() == pytest.approx([*alone["area_km2"]] * 2)


def files_below(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != ".lock")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


@pytest.mark.parametrize("verb", ["maps", *(pytest.param(verb, marks=pytest.mark.long) for verb in ("site", "movie"))])
def test_pages_are_the_same_bytes_whoever_makes_them(small: Archive, scheduler: str, tmp_path: Path, verb: str) -> None:
    shares: dict[str, tuple[str, ...]] = {"alone": (), "two": ("--workers", "2"), "dask": ("--scheduler", scheduler)}
    made = {}
    for name, more in shares.items():
        asked = {"maps": ["--no-front"], "site": ["--no-downloads"], "movie": []}[verb]
        target = tmp_path / name / ("film.gif" if verb == "movie" else "")
        run(verb, small.path, "--from", DAYS[1], "--lang", "uk", *asked, "-o", target, *more)
        made[name] = files_below(tmp_path / name)
    named = {"film.gif"} if verb == "movie" else {f"{day}.html" for day in DAYS[1:]}
    assert named <= {Path(name).name for name in made["alone"]}
    assert made["two"] == made["alone"]
    assert made["dask"] == made["alone"]


def test_an_import_whose_files_workers_read_stores_the_same(shared: Path, scheduler: str, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-mirror").glob("*.geojson"))[:40:8]
    (bad := tmp_path / "bad.geojson").write_text("{")
    found = []
    for name, more in (("alone", None), ("shared", scheduler)):
        path = tmp_path / f"{name}.gpkg"
        receipts = import_files(path, "deepstate-mirror", [*files[:3], bad, *files[3:]], scheduler=more)
        kept = open_archive(path)
        stored = pd.DataFrame(kept.polygons("deepstate-mirror")).drop(columns="recorded_at", errors="ignore")
        found.append((receipts, stored.to_csv()))
    assert found[0][0] == found[1][0]
    assert [r.outcome for r in found[1][0]].count("refused") == 1
    assert found[0][1] == found[1][1]
    with pytest.raises(UsageError, match=r"gone\.geojson: the worker tcp"):
        import_files(tmp_path / "alone.gpkg", "deepstate-mirror", tmp_path / "gone.geojson", scheduler=scheduler)


def test_what_a_worker_does_not_see_is_told_with_its_address(archive: Archive, scheduler: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone.gpkg"
    with pytest.raises(UsageError, match="sees no such file") as raised:
        list(share_out(str, [("a",)], scheduler=scheduler, files=[gone]))
    assert str(gone) in str(raised.value)
    assert "the worker tcp://" in str(raised.value)


def test_a_worker_of_another_version_and_an_archive_written_to_meanwhile_are_refused(
    archive: Archive, scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.holding():
        monkeypatch.setattr(workers, "__version__", "0.0.1")
        with pytest.raises(UsageError, match=r"has geo-control .*, this is 0\.0\.1"):
            list(share_out(sides_of, [()], scheduler=scheduler, archive=archive))
        monkeypatch.undo()
        assert list(share_out(sides_of, [()], scheduler=scheduler, archive=archive)) == [archive.controllers()]
        monkeypatch.setattr(type(archive.store), "last_recorded", lambda store: "2020-01-01T00:00:00.000Z")
        with pytest.raises(ArchiveError, match="written to while"):
            list(share_out(sides_of, [()], scheduler=scheduler, archive=archive))


def sides_of(archive: Archive) -> list[str]:
    return archive.controllers()


def ended(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ended_once(marker: str) -> str:
    if not os.path.exists(marker):
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_a_killed_worker_is_told_and_one_of_many_is_made_good(scheduler: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ended from outside"):
        list(share_out(ended, [(1,), (2,)], workers=2))
    assert list(share_out(ended_once, [(str(tmp_path / "marker"),)], scheduler=scheduler)) == ["done"]


def test_of_a_short_series_no_worker_is_started(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "share_out", None)
    pd.testing.assert_frame_equal(archive.series(workers=2), archive.series(), check_exact=True)


def test_what_cannot_be_shared_out(archive: Archive) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed (the extra 'cluster')")
    with pytest.raises(UsageError, match="1 or more"):
        archive.series(workers=0)
    with pytest.raises(UsageError, match="cannot be reached"):
        archive.series(scheduler="nonsense://nowhere")


def test_parquet_has_dates_and_the_same_figures(archive: Archive, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is not installed (the extra 'parquet')")
    run("series", archive.path, "-o", tmp_path / "s.parquet")
    read = pd.read_parquet(tmp_path / "s.parquet")
    assert str(read["date"].dt.tz) == "UTC"
    assert (read["area_km2"].to_numpy() == archive.series()["area_km2"].to_numpy()).all()
    assert ".parquet" in run("series", archive.path, "-o", tmp_path / "s.xls", code=2)
