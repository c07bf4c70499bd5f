"""A newcomer's slips: what the command line says to them, and that it is never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shapely.geometry import box, mapping

from geo.cli import main
from geo.errors import STOPPED, GateError
from geo.schema import last_instant, parse_instant


def run(*words: object) -> Result:
    """A call; what is raised without purpose fails the test that makes it."""
    return CliRunner().invoke(main, [str(w) for w in words], catch_exceptions=False)


def write(path: Path, *sides: str) -> Path:
    """A desk's file: each side holds a square of its own."""
    features = [
        {
            "type": "Feature",
            "properties": {"controller": side, "status": "held"},
            "geometry": mapping(box(35 + n, 51, 35.5 + n, 51.3)),
        }
        for n, side in enumerate(sides)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slips")
    path = folder / "a.gpkg"
    for day in ("2025-01-10", "2025-01-11"):
        done = run("import", path, "vector", write(folder / f"{day}.geojson", "UA", "RU"))
        assert done.exit_code == 0, done.output
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("map", "--incident-days", "99999999999999", "-o", "o.html"),
        ("movie", "--incident-days", "99999999999999", "-o", "o.gif"),
        ("movie", "--every-days", "0", "-o", "o.gif"),
        ("area", "--max-age-days", "-1"),
        ("area", "--max-age-days", "nan"),
        ("change", "--from", "2025-01-10", "--to", "2025-01-11", "--max-age-days", "-1"),
        ("claims", "--text", "Ukraine holds 500 km²", "--max-age-days", "1e300"),
        ("compare", "--lag-days", "99999999999999", "--from", "2025-01-10", "--to", "2025-01-11"),
    ],
)
def test_days_out_of_range_are_a_slip_of_usage(words: tuple[str, ...], archive: Path) -> None:
    done = run(words[0], archive, *words[1:])
    assert done.exit_code == 2, done.output
    assert "Invalid value" in done.stderr


def test_the_last_day_of_the_calendar_is_a_day() -> None:
    assert last_instant("9999-12-31").isoformat() == "9999-12-31T23:59:59.999000+00:00"
    with pytest.raises(GateError, match="does not reach so far"):
        parse_instant("0001-01-01T00:00+05:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-02-30", "there is no such day as 2026-02-30"),
        ("2026-13-01T00:00Z", "there is no such day as 2026-13-01"),
        ("2026-02-03T25:00Z", "no such time of day"),
        ("30.2.2026", "write it as YYYY-MM-DD"),
    ],
)
def test_a_day_that_is_none_is_told_from_one_written_otherwise(text: str, said: str) -> None:
    with pytest.raises(GateError, match=said):
        parse_instant(text)


@pytest.mark.parametrize("module", ["geo.cli.common", "geo.cli.pages", "click"])
def test_stopped_while_the_libraries_load_it_ends_as_ever(module: str) -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        f"        if name == {module!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from geo.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, f"geo: {STOPPED}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("area", "--by", "unit"),
        ("area", "--in", "Kursk"),
        ("change", "--from", "2025-01-10", "--to", "2025-01-11", "--by", "unit"),
        ("series", "--by", "unit"),
        ("area",),
        ("claims", "--text", "UA holds 500 km²", "--date", "2025-01-11"),
    ],
)
def test_a_boundary_set_that_is_not_there_is_an_error(words: tuple[str, ...], archive: Path) -> None:
    done = run(words[0], archive, *words[1:], "--boundary", "desk 2025")
    assert done.exit_code == 2, done.output
    assert "no boundary set 'desk 2025' in the archive; there are: " in done.stderr
