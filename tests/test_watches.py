"""Standing questions of a desk: each told once for every change of state, to whom the desk names, and never by a shell."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pytest
import shapely

import geo
from geo.automation.config import example, read_plan

HOSTILE = 'Desk $(touch pwned) `id` <b>; "x"'
WIDE, NARROW = shapely.box(35.0, 51.1, 35.4, 51.3), shapely.box(35.0, 51.1, 35.1, 51.3)  # about 624 and 156 km²
SUDZHA = "at = [51.19, 35.27]"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Ground around Sudzha that is lost on 11 January and won again on 1 February; of another source it stays."""
    archive = geo.open_archive(tmp_path_factory.mktemp("watch") / "war.gpkg")
    for day, shape in (("2024-09-10", WIDE), ("2025-01-11", NARROW), ("2025-02-01", WIDE)):
        ground = gpd.GeoDataFrame(geometry=[shape], crs=4326)
        given: dict[str, Any] = {"date": day, "controller": "UA", "status": "held"}
        archive.add_control(ground, source=geo.Source("desk", HOSTILE), **given)
        archive.add_control(gpd.GeoDataFrame(geometry=[WIDE], crs=4326), source=geo.Source("other", "Other"), **given)
    archive.close()
    return archive.path.read_bytes()


@pytest.fixture
def desk(filled: bytes, tmp_path: Path) -> Callable[[str], Path]:
    (tmp_path / "war.gpkg").write_bytes(filled)

    def write(table: str) -> Path:
        (path := tmp_path / "desk.toml").write_text(f'archive = "war.gpkg"\noutput = "out"\n[[watch]]\n{table}\n')
        return path

    return write


def rounds(plan: Path, *days: str) -> list[str]:
    """What the watch of a plan came to on each of some days."""
    return [geo.run_daily(plan, date=day).steps[-1].outcome for day in days]


def told(plan: Path) -> list[dict[str, Any]]:
    lines = plan.parent / "out" / "watches.jsonl"
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()] if lines.exists() else []


@pytest.mark.parametrize(
    ("table", "states"),
    [
        ('side = "UA"\nsource = "desk"\nbelow_km2 = 300', [("below", "above"), ("above", "below")]),
        ('side = "Ukraine"\nsource = "desk"\nabove_km2 = 300', [("above", None), ("below", "above"), ("above", "below")]),
        ('side = "UA"\nsources = ["desk", "other"]\ndiffer_km2 = 50', [("differ", "agree"), ("agree", "differ")]),
        (f'source = "desk"\n{SUDZHA}', [("", "UA held"), ("UA held", "")]),
        ('source = "desk"\nplace = "Sudzha"', [("", "UA held"), ("UA held", "")]),
    ],
)  # fmt: skip
def test_a_watch_is_told_once_for_every_change(
    table: str, states: list[tuple[str, str | None]], desk: Callable[[str], Path]
) -> None:
    plan = desk(table)
    days = ("2024-09-10", "2024-09-10", "2025-01-11", "2025-01-12", "2025-01-11", "2025-02-01", "2025-02-01")
    found = rounds(plan, *days)
    assert [(one["state"], one.get("before")) for one in told(plan)] == states
    assert found.count("new") == len(states)
    assert found[1] == found[3] == found[4] == found[6] == "as before"
    entries = ElementTree.parse(plan.parent / "out" / "watches.xml").getroot().findall(f"{ATOM}entry")
    assert [e.find(f"{ATOM}summary").text for e in entries] == [one["sentence"] for one in reversed(told(plan))]
    assert all(one["sentence"].count("2024") or one["sentence"].count("2025") for one in told(plan))


def test_the_sentence_is_that_of_say(desk: Callable[[str], Path]) -> None:
    plan = desk('side = "UA"\nsource = "desk"\nbelow_km2 = 300\nlang = "de"')
    rounds(plan, "2025-01-11")
    archive = geo.open_archive(plan.parent / "war.gpkg")
    assert told(plan)[0]["sentence"] == geo.say(archive, side="UA", date="2025-01-11", source="desk", lang="de")


def test_a_command_is_run_without_a_shell_and_again_where_it_failed(desk: Callable[[str], Path]) -> None:
    plan = desk(f'source = "desk"\n{SUDZHA}\ncommand = [{json.dumps(sys.executable)}, "tell.py", "; touch pwned"]')
    script = plan.parent / "tell.py"
    script.write_text("raise SystemExit('no connection')")
    assert rounds(plan, "2024-09-10") == ["as before"]
    failed = geo.run_daily(plan, date="2025-01-11").steps[-1]
    assert failed.outcome == "failed"
    assert "no connection" in failed.error
    script.write_text(
        "import json, os, sys\n"
        "said = {**json.load(sys.stdin), 'environment': os.environ['GEO_WATCH_SENTENCE'], 'given': sys.argv[1:]}\n"
        "open('said.jsonl', 'a').write(json.dumps(said) + chr(10))\n"
    )
    assert rounds(plan, "2025-01-11", "2025-01-11", "2025-01-12") == ["new", "as before", "as before"]
    (said,) = [json.loads(line) for line in (plan.parent / "said.jsonl").read_text().splitlines()]
    assert said["given"] == ["; touch pwned"]
    assert said["environment"] == said["sentence"] == told(plan)[0]["sentence"]
    assert HOSTILE.split(";")[0] in said["sentence"]
    assert len(told(plan)) == 1
    assert not list(plan.parent.rglob("pwned*"))


def test_an_embargo_holds_for_watches(desk: Callable[[str], Path]) -> None:
    plan = desk('side = "UA"\nsource = "desk"\nbelow_km2 = 300')
    archive = geo.open_archive(plan.parent / "war.gpkg")
    since = datetime.now(UTC) - datetime(2024, 12, 1, tzinfo=UTC)
    archive.set_rule("embargo", str(since.total_seconds() / 3600))
    archive.close()
    assert rounds(plan, "2024-09-10", "2025-01-11", "2025-02-01") == ["as before"] * 3
    assert told(plan) == []


TOWNS = """settlement,lat,lon,date,side
Sudzha,51.191,35.271,2024-09-10,UA
Sudzha,51.191,35.271,2025-01-11,RU
"""


@pytest.mark.parametrize(
    ("has_ground", "table"), [(True, 'source = "towns"'), (False, 'source = "towns"'), (False, "")]
)
def test_a_place_is_watched_by_a_source_of_settlements(
    has_ground: bool, table: str, tmp_path: Path, desk: Callable[[str], Path]
) -> None:
    plan = desk(f'{table}\nplace = "Sudzha"')
    if not has_ground:
        (tmp_path / "war.gpkg").unlink()
    (tmp_path / "towns.csv").write_text(TOWNS)
    source = geo.Source("towns", "Towns of the desk")
    geo.import_files(tmp_path / "war.gpkg", "settlements", tmp_path / "towns.csv", credit=source)
    assert rounds(plan, "2024-09-10", "2025-01-10", "2025-01-11", "2025-01-12") == ["as before"] * 2 + [
        "new",
        "as before",
    ]
    (one,) = told(plan)
    assert (one["state"], one["before"]) == ("RU held", "UA held")
    assert "Source: Towns of the desk, 11 January 2025" in one["sentence"]
    if not has_ground:
        assert geo.run_daily(plan).date == "2025-01-11"


@pytest.mark.parametrize("source", ["desk", "towns"])
def test_a_place_is_not_told_by_what_is_too_old(source: str, tmp_path: Path, desk: Callable[[str], Path]) -> None:
    plan = desk(f'source = "{source}"\nplace = "Sudzha"')
    plan.write_text("max_age_days = 30\n" + plan.read_text())
    (tmp_path / "towns.csv").write_text(TOWNS)
    geo.import_files(tmp_path / "war.gpkg", "settlements", tmp_path / "towns.csv", credit=geo.Source("towns", "Towns"))
    assert rounds(plan, "2024-09-10", "2024-10-10", "2024-10-11") == ["as before", "as before", "failed"]
    assert "30 days" in geo.run_daily(plan, date="2024-10-11").steps[-1].error


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("below_km2 = 300", "side"),
        ('side = "UA"', "below_km2"),
        ('side = "UA"\nbelow_km2 = 3\nabove_km2 = 5', "below_km2, above_km2"),
        ('side = "UA"\ndiffer_km2 = 3', "sources"),
        ('place = "Sudzha"\ncommand = "tell.sh; rm"', "list"),
        ("at = [200, 1]", "latitude"),
        ('place = "Sudzha"\nkm2 = 3', "km2"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_done(table: str, word: str, desk: Callable[[str], Path]) -> None:
    with pytest.raises(geo.UsageError, match=word):
        read_plan(desk(table))


def test_a_name_of_several_places_is_refused_with_where_they_are(desk: Callable[[str], Path]) -> None:
    step = geo.run_daily(desk('source = "desk"\nplace = "Springfield"'), date="2025-01-11").steps[-1]
    assert step.outcome == "failed"
    assert "at = [LAT, LON]" in step.error


def test_the_example_of_a_plan_shows_every_key(desk: Callable[[str], Path]) -> None:
    assert all(f"# {key} = " in example() for key in ("below_km2", "place", "command", "sources", "differ_km2"))
