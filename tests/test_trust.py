"""Small versions of the runs in benchmarks: kills while correcting and while a site is built, and many hands at once."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import deeds, hands, kills
from benchmarks.hands import QUESTIONS
from geo.archive import open_archive
from geo.output.console import whole_file
from geo.storage.attached import IncidentQuery


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> dict[str, kills.Work]:
    patch = pytest.MonkeyPatch()
    patch.setattr(deeds, "SITE_DAYS", 1)
    patch.setattr(deeds, "POLYGONS", 60)
    found = {work.name: work for work in kills.works(tmp_path_factory.mktemp("works"))}
    patch.undo()
    return found


@pytest.mark.long
@pytest.mark.parametrize(("name", "times"), [("correction", 3), ("geo site", 1)])
def test_a_kill_loses_nothing(name: str, times: int, works: dict[str, kills.Work], tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    tally = kills.try_work(works[name], tmp_path, times, random.Random(seed))
    assert tally.is_clean, (seed, tally)


def test_a_kill_that_had_done_harm_would_be_seen(works: dict[str, kills.Work], tmp_path: Path) -> None:
    site, whole, tally = works["geo site"], works["correction"].start, kills.Tally()
    old = kills.contents(site.start, site.outputs)
    place = tmp_path / "harmed"
    place.mkdir()
    (place / "site" / "dates").mkdir(parents=True)
    for name, content in old.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    page = next(name for name in old if name.endswith(".html"))
    (place / page).write_bytes(old[page][:-9])
    (place / "a.gpkg").write_bytes((whole / "a.gpkg").read_bytes())
    with sqlite3.connect(place / "a.gpkg") as connection:
        connection.create_function("ST_IsEmpty", 1, lambda _: 0)
        connection.execute("DELETE FROM control WHERE rowid IN (SELECT min(fid) FROM control)")
    kills.examine(site, place, tally, old, old)
    assert tally.half == [f"geo site: {page}"]
    assert tally.lost


@pytest.mark.long
def test_two_importers_and_readers_see_states_that_were(tmp_path: Path) -> None:
    seen = hands.run(tmp_path, seconds=2, readers=2)
    assert seen.is_clean, seen
    assert seen.imports
    assert sum(seen.answers.values())


def test_a_torn_answer_would_be_seen(tmp_path: Path) -> None:
    serial: dict[str, dict[str, list[int]]] = {name: {} for name in QUESTIONS}
    serial["area"] = {"a": [0, 1], "b": [2]}
    asked = [{"asked": "area", "answer": answer} for answer in ("a", "b", "a", "c")]
    assert hands._torn([asked[:2], asked[1:3], asked[3:]], serial) == [
        "reader 1: area fits no state from 2 on", "reader 2: area fits no state from 0 on",
    ]  # fmt: skip


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as stream:
        stream.write("half")
        raise RuntimeError
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
    with whole_file(path) as stream:
        stream.write("new")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["new"]


def test_who_is_on_record_is_told_without_reading_polygons(works: dict[str, kills.Work]) -> None:
    archive = open_archive(works["correction"].start / "a.gpkg")
    assert archive.controllers() == ["X", "Y"]
    with archive.store.reading() as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT DISTINCT controller FROM control WHERE controller IS NOT NULL ORDER BY controller"
        ).fetchall()
    assert "COVERING INDEX control_by_side" in str(plan)


DAYS = [f"2024-01-{day:02d}" for day in range(1, 10)]
ENDS = st.none() | st.sampled_from(DAYS)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(DAYS), ENDS)), ENDS, ENDS)
def test_incidents_of_a_span_are_those_that_touch_it(
    lives: list[tuple[str, str | None]], first: str | None, last: str | None
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE incidents (fid INTEGER PRIMARY KEY, date_start, date_end)")
        connection.executemany("INSERT INTO incidents (date_start, date_end) VALUES (?, ?)", lives)
        (condition,), values = IncidentQuery(first=first, last=last).conditions()
        found = connection.execute(f"SELECT date_start, date_end FROM incidents WHERE {condition} ORDER BY fid", values)
        assert found.fetchall() == [
            (start, end)
            for start, end in lives
            # an end before the beginning is none
            if (first is None or max(start, end or start) >= first) and (last is None or start <= last)
        ]


def test_a_day_of_a_million_incidents_is_found_by_indexes(works: dict[str, kills.Work]) -> None:
    with open_archive(works["correction"].start / "a.gpkg").store.reading() as connection:
        for first, last in (("2024-01-05", "2024-01-05"), ("2024-01-05", None)):
            (condition,), values = IncidentQuery(first=first, last=last).conditions()
            query = f"EXPLAIN QUERY PLAN SELECT geom FROM incidents WHERE 1 AND {condition} ORDER BY date_start, fid"
            plan = str(connection.execute(query, values).fetchall())
            assert "incidents_by_date (date_start>?" in plan
            assert "incidents_lasting (date_end>?" in plan
