"""Readers of other packages: there once installed, in import, fetch, the daily run and help, and gone when taken away."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from address_server import Server
from click.testing import CliRunner

import geo
from geo.cli import main
from geo.sources import names, reader

EXAMPLE = Path(__file__).resolve().parent / "plugin_example"
DAY = "cell,side,state\n35.0 51.1,UA,taken\n35.1 51.1,,fought over\n35.2 51.1,UA,guarded\n"
ADDRESS = '"url": "https://example.org/{day:%Y-%m-%d}.csv",'


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Lays a package into a folder as pip does: its module, and a dist-info that names its entry points."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def laid(change: Callable[[str], str] = lambda text: text) -> Path:
        site = tmp_path / "site"
        (about := site / f"geo_gridwatch-{project['version']}.dist-info").mkdir(parents=True)
        code = (EXAMPLE / "geo_gridwatch.py").read_text(encoding="utf-8")
        (site / "geo_gridwatch.py").write_text(change(code), encoding="utf-8")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: geo-gridwatch\nVersion: {project['version']}\n")
        points = project["entry-points"]["geo_control.sources"].items()
        (about / "entry_points.txt").write_text(
            "[geo_control.sources]\n" + "".join(f"{name} = {target}\n" for name, target in points)
        )
        monkeypatch.syspath_prepend(str(site))
        sys.modules.pop("geo_gridwatch", None)
        importlib.invalidate_caches()
        return site

    yield laid
    sys.modules.pop("geo_gridwatch", None)


def geo_command(*args: object, fails: bool = False) -> str:
    result = CliRunner().invoke(main, list(map(str, args)))
    assert (result.exit_code != 0) == fails, result.output
    return result.output


def test_the_example_is_short() -> None:
    assert len((EXAMPLE / "geo_gridwatch.py").read_text(encoding="utf-8").splitlines()) <= 45


def test_a_reader_is_there_once_installed_and_gone_when_taken_away(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file := tmp_path / "2025-01-11.csv").write_text(DAY)
    archive = tmp_path / "war.gpkg"
    assert "no source 'gridwatch'" in geo_command("import", archive, "gridwatch", file, fails=True)
    site = install()
    assert names()[-1] == "gridwatch"
    output = geo_command("import", archive, "gridwatch", file, fails=True)  # a row is refused, as of our own readers
    assert "state 'guarded' is unknown" in output
    opened = geo.open_archive(archive)
    cell = gpd.GeoSeries([shapely.box(35.0, 51.1, 35.1, 51.2)], crs=4326)
    areas = opened.area("2025-01-11", source="gridwatch").set_index("status")["area_km2"]
    assert areas["held"] == pytest.approx(geo.area_km2(cell).item())
    assert opened.sources().set_index("name").loc["gridwatch", "licence"] == "CC BY 4.0"
    for verb in ("import", "fetch"):
        assert "gridwatch  geo-gridwatch 1.2" in geo_command(verb, "--help")
    assert "gridwatch" in geo_command("help", "import")
    assert "source gridwatch" in geo_command("doctor")
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(site)])
    importlib.invalidate_caches()
    assert "gridwatch" not in names()
    assert "Sources of other packages" not in geo_command("import", "--help")
    with pytest.raises(geo.UsageError, match="no source"):
        reader("gridwatch")
    assert len(geo.open_archive(archive).area("2025-01-11")) == 2  # what is in stays in


def test_fetch_and_the_daily_run_ask_the_address_that_the_package_names(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEO_CONTACT", "desk@example.org")
    with Server() as server:
        for day in ("2025-01-10", "2025-01-11"):
            url = server.give(f"/{day}.csv", DAY.replace(",guarded", ",taken").encode())
        own = f'"loopback": True, "limits": {{"pause_seconds": 0}}, "url": "{url.replace("2025-01-11", "{day}")}",'
        install(lambda code: code.replace(ADDRESS, own))
        geo_command("fetch", "war.gpkg", "gridwatch", "--since", "2025-01-10", "--until", "2025-01-10")
        plan = 'archive = "war.gpkg"\noutput = "out"\n[[fetch]]\nsource = "gridwatch"\nsince = 2025-01-10\n[figures]\n'
        (tmp_path / "DESK.toml").write_text(plan)
        geo_command("daily", "DESK.toml", "--date", "2025-01-11")
    assert geo.open_archive("war.gpkg").reader.snapshots()["snapshot"].tolist() == [
        "gridwatch@2025-01-10",
        "gridwatch@2025-01-11",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda code: "import nothing_of_this_name\n" + code, "cannot be loaded"),
        (lambda code: code.replace('kind = "control"', 'kind = "weather"'), "is no reader"),
        (lambda code: code.replace("    def read(", "    def reads("), "lacks read"),
        (lambda code: code.replace("STATUSES = {", "STATUSES = {} and {"), "state 'taken' is unknown"),
        (lambda code: code.replace("rows = list(", "rows = 1 / 0 or list("), "failed on it (ZeroDivisionError"),
        (lambda code: code.replace("return [Snapshot(", "return [frame, Snapshot("), "gave no Snapshot"),
    ],
    ids=["import", "kind", "no read", "all refused", "crash", "answer"],
)
def test_a_reader_that_is_none_or_fails_is_told_by_name_and_stops_nothing_else(
    change: Callable[[str], str], said: str, install: Callable[..., Path], tmp_path: Path
) -> None:
    install(change)
    (file := tmp_path / "2025-01-11.csv").write_text(DAY)
    output = geo_command("import", tmp_path / "war.gpkg", "gridwatch", file, fails=True)
    assert said in output
    assert "Traceback" not in output
    seeds = EXAMPLE.parents[1] / "seeds" / "control" / "2025-01-11.geojson"
    geo_command("import", tmp_path / "war.gpkg", "vector", seeds, "--set", "controller=UA")
