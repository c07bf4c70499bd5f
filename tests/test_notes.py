"""What a reader must know stands beside the figures: how old a map is, what a class means, what was left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from shapely.geometry import box
from test_archive import put, state
from test_maps import incident

from geo.archive import Archive, open_archive
from geo.importing.importer import ensure_units
from geo.output.documents.content import gather_brief
from geo.output.documents.svg_chart import chart_values
from geo.output.html.map_page import ControlMap
from geo.output.images.chart import draw_chart
from geo.output.images.text_blocks import alt_text
from geo.output.map_content import MapContent, base_words, gather
from geo.presentation.chart_lines import HOLE_WORDS, ChartLine, lines_in_words, stretches
from geo.presentation.statuses import NO_DOUBT, stated_meaning

FIRST, LAST = datetime(2023, 5, 13, 15, tzinfo=UTC), datetime(2025, 1, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    opened = open_archive(tmp_path_factory.mktemp("notes") / "a.gpkg")
    ensure_units(opened)
    for instant, east in ((FIRST, 35.6), (LAST, 35.4)):
        put(opened, instant, state(
            ("X", "held", "n", box(34.5, 51, east, 51.4)), ("Y", "held", "n", box(36.00, 51.2, 36.01, 51.205)),
        ))  # fmt: skip
    return opened


def told(content: MapContent) -> tuple[str, str]:
    return ControlMap(content).page.render(), alt_text(content, "")


def test_a_change_says_which_of_its_ends_is_old(archive: Archive) -> None:
    old = "snapshot s@2023-05-13T15:00Z is 247 days older than 2024-01-15"
    notes = archive.change("2024-01-15", "2025-06-01").attrs["notes"]
    assert [n.split("@")[-1] for n in notes] == [old.split("@")[-1], "2025-01-11 is 141 days older than 2025-06-01"]
    assert not archive.change("2023-05-20", "2025-01-11").attrs["notes"]
    assert archive.area("2024-01-15").attrs["notes"] == (f"{NO_DOUBT}, so its areas have no range", *notes[:1])


def test_since_is_the_date_of_the_map_that_answers_for_it(archive: Archive) -> None:
    assert base_words(archive, archive.source_name(), "2023-05-13") == "13 May 2023"
    wanted = "13 May 2023 (the last map before 15 January 2024)"
    content = gather(archive, "2025-01-11", since="2024-01-15", with_front=False)
    assert {item.label for item in content.changes} == {f"Lost by X since {wanted}"}
    for text in told(content):
        assert wanted in text
        assert "247 days older than 2024-01-15" in text
    brief = gather_brief(archive, "2025-01-11", since="2024-01-15")
    assert brief.subtitle.endswith(f"Changes since {wanted}.")
    assert all(wanted in h.moved for h in brief.headlines)
    assert sum("247 days older" in note for section in brief.moved for note in section.notes) == 1


def test_a_sliver_has_no_headline_and_is_named(archive: Archive) -> None:
    content = gather(archive, "2025-01-11", within="Kursk", with_front=False)
    assert [row["controller"] for row in content.figures] == ["X", "Y"]
    assert [row["controller"] for row in content.headlines] == ["X"]
    for text in told(content):
        assert "Left out of the key figures in Kursk region: Held by Y, 0.4 km²." in text
    brief = gather_brief(archive, "2025-01-11", within="Kursk")
    assert [h.label for h in brief.headlines] == ["Held by X in Kursk region"]
    table = brief.moved[0].table
    assert table is not None
    assert [row[0] for row in table.rows] == ["Held by X", "Held by Y"]
    assert len(gather(archive, "2025-01-11", with_front=False).headlines) == 2


def test_what_a_source_means_by_a_class_stands_on_its_maps(tmp_path: Path) -> None:
    opened = open_archive(tmp_path / "a.gpkg")
    put(opened, LAST, state(("RU", "held", "n", box(34.5, 51, 35, 51.4))), source="nzz")
    meaning = stated_meaning("nzz", "", "RU", "held")
    assert "without Crimea" in meaning
    for text in told(gather(opened, with_front=False)):
        assert meaning in text.replace("&#x27;", "'").replace("&#39;", "'")
    assert f"Held by Russia: {meaning}." in gather_brief(opened).moved[0].notes
    assert stated_meaning("vector", "", "RU", "held") == ""


def test_no_title_reads_as_if_the_source_held_the_ground(archive: Archive) -> None:
    title = gather(archive, "2025-01-11", with_front=False, title="plain").title
    assert title == f"Territorial control according to {archive.source_name()}, 11 January 2025"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((5, 5, None), "at least 5"), ((5, None, None), "at least 5"), ((5, 7, None), "7 (at least 5)"),
        ((None, 5, 5), "at most 5"), ((None, 5, None), "5"), ((5, 5, 5), "5"), ((1, 2, 4), "2 (1 to 4)"),
    ],
)  # fmt: skip
def test_a_bound_is_told_as_a_bound(tmp_path: Path, numbers: tuple[float | None, ...], said: str) -> None:
    opened = open_archive(tmp_path / "a.gpkg")
    put(opened, LAST, state(("X", "held", "n", box(34.5, 51, 35.5, 51.4))))
    low, best, high = numbers
    incident(opened, where_coordinates="Sudzha", event_type="Battles", low=low, best=best, high=high, source="The wire")
    content = gather(opened, with_front=False)
    assert f"killed: {said}; verification: not stated; source: The wire" in ControlMap(content).page.render()
    assert f"killed: {said}; verification: not stated; source: The wire" in alt_text(content, "")
    section = next(s for s in gather_brief(opened).told if s.name == "incidents")
    assert section.table is not None
    total = section.table.rows[0][3]
    assert total == (said if "(" not in said else "at least 5" if low == 5 else "1 to 4")


def test_a_line_breaks_off_where_no_map_is_for_long() -> None:
    days = [datetime(2025, 1, d, tzinfo=UTC) for d in (1, 2, 3)] + [datetime(2025, 2, 18, tzinfo=UTC)]
    assert stretches(days) == [slice(0, 3), slice(3, 4)]
    assert stretches(days[:3]) == [slice(0, 3)]
    later = [*days, datetime(2025, 6, 1, tzinfo=UTC), datetime(2025, 6, 2, tzinfo=UTC)]
    strand = ChartLine("Held by X", "#112233", (), later, [5.0, 6.0, 7.0, 8.0, 9.0, 9.0])
    drawn = chart_values([strand], lines_in_words([strand], "Area."))
    assert [chart["paths"][0].count("M") for chart in drawn["drawings"]] == [3, 3]
    # the map of February, on the wide chart and on the narrow one
    assert [len(chart["dots"][0]) for chart in drawn["drawings"]] == [1, 1]
    assert HOLE_WORDS in drawn["words"]
    assert HOLE_WORDS not in lines_in_words([replace(strand, times=days[:3], km2=[1.0, 2.0, 3.0])], "Area.")


def test_a_picture_of_a_series_breaks_off_too(archive: Archive, tmp_path: Path) -> None:
    text = draw_chart(archive, tmp_path / "a.svg", controller="X").read_text(encoding="utf-8")
    assert HOLE_WORDS in text
