"""Too many incidents for a map: nothing is dropped, and no place is claimed that nobody named."""

from __future__ import annotations

from pathlib import Path

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.archive import open_archive
from geo.importing.importer import import_files
from geo.incidents.markers import Marker, cluster_markers, shared_words
from geo.measure.ellipsoid import lengths_km
from geo.output.html.map_page import draw_map, save_map
from tests.test_faults import write_day

REGIONS = {name: shapely.box(30 + i, 50, 31 + i, 51) for i, name in enumerate(("North", "South", ""))}


@st.composite
def spots(draw: st.DrawFn) -> list[Marker]:
    found = []
    for i in range(draw(st.integers(0, 60))):
        lat, lon = draw(st.floats(44, 52)), draw(st.floats(22, 40))
        region = draw(st.sampled_from(list(REGIONS)))
        radius = draw(st.sampled_from([0.0, 0.0, 25_000.0]))
        facts = [("Date", f"2024-08-{1 + i % 9:02d}"), ("Event", draw(st.sampled_from(["Battles", "Protests", ""])))]
        area = REGIONS[region] if region else None
        found.append(Marker(lat, lon, radius, f"incident {i}", facts, area, region))
    return found


@settings(max_examples=60, deadline=None)
@given(spots(), st.integers(6, 30))
def test_every_incident_is_counted_once_and_none_is_moved_out_of_what_is_known(some: list[Marker], limit: int) -> None:
    marks = cluster_markers(some, limit=limit, marks=8)
    assert sum(mark.count for mark in marks) == len(some)
    assert len(marks) <= max(limit, 8 + 2)
    if len(some) <= limit:
        assert marks == some
        assert shared_words(marks) == ""
    for kind in ("place", "circle", "region"):
        assert sum(m.count for m in marks if m.kind == kind) == sum(s.kind == kind for s in some)
    for name in ("North", "South"):
        assert sum(m.count for m in marks if m.area_name == name) == sum(s.area_name == name for s in some)
    for circle in (m for m in marks if m.kind == "circle"):
        mine = [s for s in some if s.kind == "circle"]
        far = lengths_km(shapely.linestrings([[(circle.lon, circle.lat), (s.lon, s.lat)] for s in mine]))
        # as many whole circles lie in it as it speaks for
        inside = sum(km * 1000 + s.radius_m <= circle.radius_m + 1 for km, s in zip(far, mine, strict=True))
        assert inside >= circle.count
    assert cluster_markers(list(some), limit=limit, marks=8) == marks


def test_a_mark_says_what_it_stands_for() -> None:
    some = [
        Marker(50 + i / 1000, 36, 0, "x", [("Event", "Battles" if i % 4 else "<b>")], days=[f"2024-08-0{1 + i % 3}"])
        for i in range(8)
    ]
    (mark,) = cluster_markers(some, limit=1, marks=1)
    assert (mark.count, mark.title, mark.kind) == (8, "8 incidents within 1 km", "place")
    assert dict(mark.facts) == {
        "Incidents": "8", "Date": "1 August 2024 to 3 August 2024", "Where": "within 1 km", "Event": "Battles (6); <b> (2)",
    }  # fmt: skip


def test_a_page_of_six_thousand_incidents_stays_small_and_says_so(tmp_path: Path) -> None:
    rows = [f"M{i},2024-08-01,Place {i},{45 + i % 77 / 20},{30 + i % 97 / 10},Battles" for i in range(6_000)]
    table = tmp_path / "incidents.csv"
    table.write_text("event_id,date_start,where_coordinates,latitude,longitude,event_type\n" + "\n".join(rows))
    path = tmp_path / "a.gpkg"
    import_files(path, "vector", write_day(tmp_path, 1, size=5))
    assert import_files(path, "incidents", table)[0].rows_stored == 6_000
    page = save_map(draw_map(open_archive(path), "2024-08-01", with_front=False), tmp_path / "map.html")
    text = page.read_text(encoding="utf-8")
    assert "6,000 incidents. Zoomed in, marks come apart" in text
    assert text.count('id="incident-') == 0
    assert len(text) < 900_000
    assert len(open_archive(path).incidents("2024-08-01", "2024-08-01")) == 6_000
