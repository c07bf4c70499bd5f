"""The command line: the fixed interfaces, exit codes, and output that neither a terminal nor a spreadsheet obeys."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from shapely.geometry import box, mapping

from geo.archive import open_archive
from geo.cli import main
from geo.importing.importer import ensure_units

EVIL = "=1+1"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def write(path: Path, *rows: tuple[Any, str, Any], **extra: Any) -> Path:
    features = [
        {"type": "Feature", "properties": {"controller": c, "status": s, **extra}, "geometry": mapping(g)}
        for c, s, g in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.gpkg"
    first = write(
        tmp_path / "2025-01-10.geojson",
        ("UA", "held", box(35, 51, 35.5, 51.3)),
        (None, "contested", box(36, 51, 36.1, 51.1)),
    )
    second = write(
        tmp_path / "2025-01-11.geojson",
        ("UA", "held", box(35, 51, 35.4, 51.3)),
        (EVIL, "claimed", box(37, 51, 37.1, 51.1)),
    )
    done = run("import", path, "vector", first, second)
    assert done.exit_code == 0, done.output
    assert "2 rows in = 2 stored" in done.output
    return path


def test_area_prints_one_object(archive: Path) -> None:
    found = json.loads(run("area", archive, "--date", "2025-01-11", "--format", "json").stdout)
    assert list(found) == ["date", "as_known_on", "rows", "notes"]  # the sides here have no contested ground
    assert found["date"] == "2025-01-11"
    assert list(found["rows"][0]) == [
        "source", "controller", "status", "unit", "area_km2", "lower_km2", "upper_km2", "snapshot",
        "snapshot_age_days", "boundary",
    ]  # fmt: skip
    assert found["rows"][0]["unit"] is None
    units = json.loads(run("area", archive, "--date", "2025-01-11", "--by", "unit", "--format", "json").stdout)
    assert {r["unit"] for r in units["rows"]} >= {"RU-KRS"}
    native = json.loads(run("area", archive, "--date", "2025-01-10", "--by", "native", "--format", "json").stdout)
    assert all("native" in r for r in native["rows"])


def test_change_prints_one_object(archive: Path) -> None:
    found = json.loads(run("change", archive, "--from", "2025-01-10", "--to", "2025-01-11", "--format", "json").stdout)
    assert (found["from"], found["to"]) == ("2025-01-10", "2025-01-11")
    wanted = ["source", "controller", "status", "unit", "gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent",
              "from_snapshot", "to_snapshot"]  # fmt: skip
    assert list(found["rows"][0])[: len(wanted)] == wanted
    held = next(r for r in found["rows"] if r["status"] == "held")
    assert held["net_percent"] == pytest.approx(-20, abs=0.1)
    assert next(r for r in found["rows"] if r["controller"] == EVIL)["net_percent"] is None


def test_series_is_csv_that_pandas_reads(archive: Path) -> None:
    done = run("series", archive, "--format", "csv")
    frame = pd.read_csv(io.StringIO(done.output), parse_dates=["date"])
    assert list(frame.columns) == [
        "date",
        "source",
        "controller",
        "status",
        "unit",
        "area_km2",
        "gained_km2",
        "lost_km2",
    ]
    assert frame["date"].nunique() == 2
    by_unit = pd.read_csv(io.StringIO(run("series", archive, "--by", "unit", "--format", "csv").output))
    both = (frame.groupby("date")["area_km2"].sum().tolist(), by_unit.groupby("date")["area_km2"].sum().tolist())
    assert both[0] == pytest.approx(both[1], rel=1e-9)


def test_cells_that_a_spreadsheet_would_compute_are_defused(archive: Path) -> None:
    output = run("area", archive, "--date", "2025-01-11", "--format", "csv").output
    assert f"'{EVIL}" in output
    assert f",{EVIL}" not in output


def test_a_terminal_obeys_nothing_from_outside(tmp_path: Path) -> None:
    path = write(tmp_path / "2025-01-11.geojson", ("\x1b[31mX\x07", "held", box(35, 51, 35.5, 51.3)))
    run("import", tmp_path / "a.gpkg", "vector", path)
    output = run("area", tmp_path / "a.gpkg").output
    assert "\x1b" not in output
    assert "\x07" not in output


def test_bad_input_is_told_on_stderr_with_exit_code_1(archive: Path, tmp_path: Path) -> None:
    bad = tmp_path / "2025-01-12.geojson"
    bad.write_text('{"type": "FeatureCollection", "features": [')
    good = write(tmp_path / "2025-01-13.geojson", ("UA", "held", box(35, 51, 35.1, 51.3)))
    done = run("import", archive, "vector", bad, good)
    assert done.exit_code == 1
    assert "2025-01-12.geojson" in done.stderr
    assert "1 of 2 files refused" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(run("area", archive, "--format", "json").stdout)["rows"][0]["snapshot"].endswith("2025-01-13")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("area", "{a}", "--date", "2025-13-45"), 1, "2025-13-45"),
        (("area", "{a}", "--date", "2020-01-01"), 1, "the first depicts 2025-01-10"),
        (("area", "{a}", "--in", "Atlantis"), 2, "no unit 'Atlantis'"),
        (("area", "{a}", "--status", "owned"), 2, "held, claimed"),
        (("area", "{a}", "--source", "isw"), 2, "there are: vector"),
        (("area", "{a}", "--date", "2025-02-01", "--max-age-days", "3"), 1, "21 days old"),
        (("area", "nowhere.gpkg"), 2, "geo import makes one"),
        (("import", "{a}", "nobody", "x.json"), 2, "deepstate"),
        (("import", "{a}", "vector", "absent.geojson"), 1, "no such file"),
        (("retract", "{a}", "nothing", "--why", "x"), 1, "geo snapshots lists them"),
        (("change", "{a}", "--to", "2025-01-10"), 2, "--from"),
        (("area", "{a}", "--format", "xml"), 2, "xml"),
    ],
)
def test_every_error_says_what_to_do(archive: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = run(*(w.format(a=archive) for w in words))
    assert done.exit_code == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_several_sources_are_listed_with_exit_code_2(archive: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "2025-01-11.geojson", ("X", "held", box(30, 50, 31, 51)))
    assert run("import", archive, "vector", other, "--name", "other").exit_code == 0
    done = run("area", archive)
    assert done.exit_code == 2
    assert "other, vector" in done.stderr


def test_a_correction_and_its_retraction(archive: Path, tmp_path: Path) -> None:
    said = json.loads(run("area", archive, "--date", "2025-01-11", "--controller", "UA", "--format", "json").stdout)[
        "rows"
    ]
    table = json.loads(run("snapshots", archive, "--format", "json").stdout)["rows"]
    known = max(r["recorded_at"] for r in table)
    other = write(tmp_path / "2025-01-11.geojson", ("UA", "held", box(35, 51, 35.1, 51.1)))
    done = run("import", archive, "vector", other)
    assert "stored as vector@2025-01-11+1, supersedes vector@2025-01-11;" in done.output
    area = json.loads(run("area", archive, "--date", "2025-01-11", "--controller", "UA", "--format", "json").stdout)[
        "rows"
    ]
    assert area[0]["area_km2"] < said[0]["area_km2"]
    then = run(
        "area", archive, "--date", "2025-01-11", "--controller", "UA", "--as-known-on", known, "--format", "json"
    )
    assert json.loads(then.stdout)["rows"] == said
    assert run("retract", archive, "vector@2025-01-11+1", "--why", "sent by mistake").exit_code == 0
    again = run("area", archive, "--date", "2025-01-11", "--controller", "UA", "--format", "json")
    assert json.loads(again.stdout)["rows"] == said


def test_refused_rows_go_to_a_file_that_a_spreadsheet_opens(tmp_path: Path) -> None:
    path = write(
        tmp_path / "2025-01-11.geojson", ("UA", "held", box(35, 51, 35.5, 51.3)), (EVIL, "held", box(35, 91, 36, 92))
    )
    done = run("import", tmp_path / "a.gpkg", "vector", path)
    assert "2 rows in = 1 stored + 1 refused" in done.output
    refused = pd.read_csv(tmp_path / "a.refused" / "2025-01-11.geojson.csv")
    assert list(refused["row"]) == [2]
    assert "latitude out of range" in refused["why"][0]
    assert refused["controller"][0] == f"'{EVIL}"


def test_maps_of_a_span(archive: Path, tmp_path: Path) -> None:
    done = run("maps", archive, "-o", tmp_path / "maps")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (tmp_path / "maps").iterdir()) == ["2025-01-10.html", "2025-01-11.html"]
    assert run("map", archive, "--date", "2025-01-11", "-o", tmp_path / "one.html").exit_code == 0
    assert "Content-Security-Policy" in (tmp_path / "one.html").read_text()


def test_the_traceback_is_there_for_those_who_ask(archive: Path) -> None:
    done = run("--debug", "area", archive, "--in", "Atlantis")
    assert done.exception is not None
    assert not isinstance(done.exception, SystemExit)


def test_help_names_every_source_and_verb() -> None:
    from geo.sources import KNOWN

    text = " ".join(run("import", "--help").output.split())
    for name in KNOWN:
        assert name in text
    readme = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
    for verb in (name for name, command in main.commands.items() if not command.hidden):
        assert f"geo {verb}" in readme, f"the README does not name geo {verb}"


def test_who_prints_intervals(archive: Path) -> None:
    found = json.loads(run("who", archive, "--at", "51.1,35.2", "--format", "json").stdout)
    assert found["at"] == [51.1, 35.2]
    assert [(r["controller"], r["valid_from"], r["valid_to"]) for r in found["rows"]] == [
        ("UA", "2025-01-10T00:00:00.000Z", None)
    ]
    assert "still at the last snapshot" in run("who", archive, "--at", "51.1,35.2").output
    done = run("who", archive, "--at", "Kursk")
    assert done.exit_code == 2
    assert "LAT,LON" in done.stderr


def test_a_side_that_nobody_has_heard_of_is_a_slip(archive: Path) -> None:
    for words in (("area",), ("series",), ("change", "--from", "2025-01-10", "--to", "2025-01-11")):
        done = run(words[0], archive, *words[1:], "--controller", "uaa")
        assert done.exit_code == 2, done.output
        assert "no side 'uaa'" in done.stderr
        assert "UA" in done.stderr
    known = run("area", archive, "--date", "2025-01-10", "--controller", EVIL)
    assert known.exit_code == 0
    assert known.output.rstrip().endswith(": none")


def test_where_nothing_is_held_yet_it_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "b.gpkg"
    refused = run("import", path, "vector", tmp_path / "x.geojson", tmp_path / "y.geojson")
    assert "2 of 2 files refused, nothing was taken in" in refused.stderr
    assert not path.exists()
    ensure_units(open_archive(path))
    assert "holds no control yet" in run("area", path).stderr


def test_workings_have_no_negative_zero_and_count_one_polygon(archive: Path) -> None:
    said = run("area", archive, "--date", "2025-01-10", "--explain").output
    assert "; 1 polygon\n" in said
    assert "-0.0" not in said
    assert "contested ground: 0.0 / " in said


def test_an_old_snapshot_and_dates_in_the_wrong_order_are_told(archive: Path) -> None:
    old = run("area", archive, "--date", "2025-06-01")
    assert "141 days older than 2025-06-01" in old.stderr
    assert "older" not in run("area", archive, "--date", "2025-01-20").stderr
    assert "backwards" in run("change", archive, "--from", "2025-01-11", "--to", "2025-01-10").stderr
    assert "backwards" not in run("change", archive, "--from", "2025-01-10", "--to", "2025-01-11").stderr


def test_ctrl_c_says_what_stands(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("geo.cli.common.opened", stop)
    done = run("area", archive)
    assert done.exit_code == 130
    assert "stopped; what was written until now is whole" in done.stderr


def test_every_option_says_what_it_does() -> None:
    silent = [
        f"{name} {option.opts[-1]}"
        for name, command in main.commands.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


def test_help_holds_no_marks_that_a_page_of_documents_would_read() -> None:
    marked = [name for name, verb in main.commands.items() if re.search(r"[*`|]|_\s", verb.help or "")]
    assert marked == []


def test_help_lists_every_verb_once_in_its_group_on_one_line() -> None:
    shown = run("--help").output.partition("\nStart:\n")[2]
    lines = [line.split()[0] for line in shown.splitlines() if line.startswith("  ")]
    assert sorted(lines) == sorted(name for name, verb in main.commands.items() if not verb.hidden)
    assert "More:" not in shown
    assert "..." not in shown


@pytest.mark.parametrize("name", ["m.pdf", "m.PNG"])
def test_a_page_is_not_written_as_a_picture(archive: Path, tmp_path: Path, name: str) -> None:
    done = run("map", archive, "--date", "2025-01-11", "-o", tmp_path / name)
    assert done.exit_code == 1
    assert "m.html" in done.stderr
    assert not (tmp_path / name).exists()
