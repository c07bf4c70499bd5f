"""The archive against a naive model: a list of what was recorded, searched from the start each time."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.errors import ArchiveError
from geo.importing.importer import import_files
from geo.maintenance.check import check_archive
from geo.schema import ControlColumns, parse_instant
from geo.storage import snapshots as timeline
from geo.storage.snapshots import Recording, record, retract
from geo.storage.store import Store

DAY0 = datetime(2024, 8, 1, tzinfo=UTC)
POLYGONS = [shapely.box(i, 0, i + 0.7, 1 + i / 10) for i in range(6)]


def recording(day: int, members: frozenset[int], *, part: str = "", tag: str = "") -> Recording:
    frame = gpd.GeoDataFrame(
        {"controller": "A", "status": "held", "native": [f"class {i % 2}" for i in sorted(members)]},
        geometry=[POLYGONS[i] for i in sorted(members)],
        crs="EPSG:4326",
    )
    name = f"{day}-{sorted(members)}-{part}-{tag}"
    return Recording("desk", part, DAY0 + timedelta(days=day), ControlColumns.of(frame), name, 1, name)


@dataclass
class Model:
    """What was recorded, in order: (day, members, file) or the index of what was taken back."""

    events: list[tuple[str, object]] = field(default_factory=list)

    def in_force(self, known: int) -> dict[int, tuple[frozenset[int], int]]:
        """day -> (members, index of the event), as after `known` events."""
        events = self.events[:known]
        gone = {index for kind, index in events if kind == "retract"}
        return {
            value[0]: (value[1], i)  # type: ignore[index]
            for i, (kind, value) in enumerate(events)
            if kind == "import" and i not in gone
        }

    def state(self, day: int, known: int) -> frozenset[int]:
        force = self.in_force(known)
        past = [d for d in force if d <= day]
        return force[max(past)][0] if past else frozenset()


def members_of(frame: gpd.GeoDataFrame) -> frozenset[int]:
    return frozenset(
        i for i, p in enumerate(POLYGONS) for g in frame.geometry if shapely.get_geometry(g, 0).equals_exact(p, 0)
    )


steps = st.lists(
    st.one_of(
        st.tuples(st.just("import"), st.integers(0, 5), st.frozensets(st.integers(0, 5), max_size=4)),
        st.tuples(st.just("again"), st.integers(0, 20)),
        st.tuples(st.just("retract"), st.integers(0, 20)),
    ),
    min_size=1,
    max_size=9,
)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(steps)
def test_any_order_of_imports_corrections_and_retractions_equals_the_model(plan: list[tuple]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, model = Store(Path(folder) / "a.gpkg"), Model()
        names: dict[int, str] = {}
        moments: list[datetime] = []
        for step in plan:
            _apply(store, model, names, moments, step)
        store.close()
        if not moments:
            return
        for known, moment in enumerate(moments, start=1):
            for day in range(-1, 8):
                then = store.control_then("desk", DAY0 + timedelta(days=day), as_known_on=moment)
                assert members_of(then) == model.state(day, known)
                assert len(then) == len(model.state(day, known))
        _check_now(store, model)


def _apply(store: Store, model: Model, names: dict[int, str], moments: list[datetime], step: tuple) -> None:
    imports = [i for i, (kind, _) in enumerate(model.events) if kind == "import"]
    if step[0] == "import" or (step[0] == "again" and imports):
        if step[0] == "again":
            day, members = model.events[imports[step[1] % len(imports)]][1]  # type: ignore[misc]
        else:
            _, day, members = step
        with store.writing() as connection:
            done = record(connection, recording(day, members))
        there = model.in_force(len(model.events)).get(day)
        if there is not None and there[0] == members:
            assert done.outcome == "unchanged"
            return
        assert done.outcome == ("stored" if there is None else "superseded")
        names[len(model.events)] = done.snapshot
        model.events.append(("import", (day, members)))
    elif step[0] == "retract" and imports:
        index = imports[step[1] % len(imports)]
        if ("retract", index) in model.events:
            with pytest.raises(ArchiveError, match="already"), store.writing() as connection:
                retract(connection, names[index], why="again")
            return
        with store.writing() as connection:
            retract(connection, names[index], why="a wrong file")
        model.events.append(("retract", index))
    else:
        return
    table = store.snapshots()
    stamps = [*table["recorded_at"], *table["retracted_at"].dropna()]
    moments.append(parse_instant(max(stamps)))


def _check_now(store: Store, model: Model) -> None:
    known = len(model.events)
    for day in range(-1, 8):
        now = store.control_now("desk", DAY0 + timedelta(days=day))
        assert members_of(now) == model.state(day, known)
        assert len(now) == len(model.state(day, known))
    # one row for as long as a polygon stays the same: its rows are as many as its runs of instants
    days = sorted(model.in_force(known))
    runs = sum(
        i in model.state(day, known) and (n == 0 or i not in model.state(days[n - 1], known))
        for n, day in enumerate(days)
        for i in range(len(POLYGONS))
    )
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM control").fetchone()[0] == runs
        assert connection.execute("SELECT count(*) FROM rtree_control_geom").fetchone()[0] == runs


@pytest.mark.long
@settings(max_examples=30, deadline=None)
@given(st.permutations(range(5)), st.lists(st.frozensets(st.integers(0, 5), max_size=4), min_size=5, max_size=5))
def test_the_order_in_which_days_come_in_leaves_no_trace(order: list[int], days: list[frozenset[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        contents = []
        for name, sequence in (("a", range(5)), ("b", order)):
            store = Store(Path(folder) / f"{name}.gpkg")
            for day in sequence:
                with store.writing() as connection:
                    record(connection, recording(day, days[day]))
            store.close()
            with store.reading() as connection:
                rows = connection.execute("SELECT geom, native, valid_from, valid_to FROM control").fetchall()
            contents.append(sorted(rows, key=str))
        assert contents[0] == contents[1]


def test_parts_of_a_source_have_timelines_of_their_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.gpkg")
    with store.writing() as connection:
        record(connection, recording(0, frozenset({0}), part="control"))
        record(connection, recording(0, frozenset({1}), part="claimed"))
        record(connection, recording(1, frozenset({2}), part="control"))
    frame = store.control_now("desk", DAY0 + timedelta(days=1))
    assert members_of(frame) == {1, 2}
    store.close()


def test_vertices_come_back_as_they_went_in(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    ring = np.column_stack([35 + rng.random(40), 51 + rng.random(40)])
    awkward = shapely.Polygon(shapely.convex_hull(shapely.MultiPoint(ring)).exterior.coords[::-1])
    frame = gpd.GeoDataFrame(
        {"controller": ["A"], "status": ["held"], "native": ["x"]}, geometry=[awkward], crs="EPSG:4326"
    )
    store = Store(tmp_path / "a.gpkg")
    with store.writing() as connection:
        record(connection, Recording("desk", "", DAY0, ControlColumns.of(frame), "f", 1, "f"))
    store.close()
    back = store.control_now("desk", DAY0).geometry[0]
    assert shapely.get_coordinates(back).tobytes() == shapely.get_coordinates(awkward).tobytes()
    assert back.geom_type == "MultiPolygon"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.gpkg")
    with store.writing() as connection:
        record(connection, recording(0, frozenset({0})))
    with pytest.raises(RuntimeError), store.writing() as connection:
        record(connection, recording(1, frozenset({1})))
        raise RuntimeError("killed here")
    store.close()
    assert len(store.snapshots()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]


def test_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.gpkg").write_text("no database at all, but long enough to have a header" * 9)
    with pytest.raises(ArchiveError, match="not a GeoPackage"):
        Store(tmp_path / "text.gpkg").snapshots()
    plain = sqlite3.connect(tmp_path / "plain.gpkg")
    plain.execute("CREATE TABLE t (a)")
    plain.close()
    with pytest.raises(ArchiveError, match="SQLite, but no GeoPackage"):
        Store(tmp_path / "plain.gpkg").snapshots()
    with pytest.raises(ArchiveError, match="no such archive"):
        Store(tmp_path / "absent.gpkg").snapshots()


def test_a_newer_layout_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.gpkg")
    with store.writing() as connection:
        connection.execute("UPDATE layout SET version = 99")
    store.close()
    with pytest.raises(ArchiveError, match="newer"):
        store.snapshots()


instants = st.integers(0, 12).map(lambda i: f"{i:02d}")
intervals = st.tuples(instants, st.one_of(st.none(), instants)).filter(lambda i: i[1] is None or i[0] < i[1])


def covered(spans: list[timeline.Interval]) -> set[str]:
    ticks = [f"{i:02d}" for i in range(14)]
    return {t for t in ticks for a, b in spans if a <= t and (b is None or t < b)}


@given(st.lists(intervals, max_size=5), intervals)
def test_interval_arithmetic_is_set_arithmetic(many: list[timeline.Interval], one: timeline.Interval) -> None:
    spans: list[timeline.Interval] = []
    for interval in many:
        spans = timeline.add_interval(spans, interval)
    assert covered(spans) == covered(many)
    assert covered(timeline.add_interval(spans, one)) == covered(many) | covered([one])
    assert covered(timeline.subtract_interval(spans, one)) == covered(many) - covered([one])
    ends = [b for _, b in spans]
    assert all(a not in ends for a, _ in spans)
    shared = [s for a in spans if (s := timeline.overlap(a, one)) is not None]
    assert covered(shared) == covered(many) & covered([one])


def test_boxes_entered_at_once_are_those_that_the_trigger_enters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boxes(path: Path) -> list[tuple[float, ...]]:
        with sqlite3.connect(path) as connection:
            return connection.execute("SELECT * FROM rtree_incidents_geom ORDER BY id").fetchall()

    table = "event_id,date_start,latitude,longitude\n"
    for name, many in (("single", 1_000), ("together", 1)):
        monkeypatch.setattr("geo.storage.store._MANY", many)
        for part in ("a", "b"):
            (tmp_path / f"{part}.csv").write_text(
                table + "".join(f"{part}{i},2025-01-0{i},5{i}.5,35.25\n" for i in (1, 2))
            )
            import_files(tmp_path / f"{name}.gpkg", "incidents", tmp_path / f"{part}.csv")
    assert boxes(tmp_path / "single.gpkg") == boxes(tmp_path / "together.gpkg")
    assert len(boxes(tmp_path / "together.gpkg")) == 4
    monkeypatch.setattr("geo.storage.store._MANY", 1_000)
    (tmp_path / "c.csv").write_text(table + "c,2025-01-03,51,36\n")
    import_files(tmp_path / "together.gpkg", "incidents", tmp_path / "c.csv")
    assert len(boxes(tmp_path / "together.gpkg")) == 5  # the trigger is back
    assert check_archive(tmp_path / "together.gpkg").is_whole
