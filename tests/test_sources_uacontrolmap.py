"""Control maps in KML: what says who holds an area, and on which day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geo.errors import GateError
from geo.schema import Options, Snapshot
from geo.sources.uacontrolmap import read

AREA = (
    "<Polygon><outerBoundaryIs><LinearRing><coordinates>35,51 35.5,51 35.5,51.3 35,51</coordinates></LinearRing>"
    "</outerBoundaryIs></Polygon>"
)


def mark(*, style: str = "", name: str = "", geometry: str = AREA, extra: str = "") -> str:
    return f"<Placemark><name>{name}</name><styleUrl>#{style}</styleUrl>{extra}{geometry}</Placemark>"


def one(folder: Path, body: str, *, file: str = "map_25_01_02.kml", **options: Any) -> Snapshot:
    path = folder / file
    path.write_text(f"<kml><Document>{body}</Document></kml>", encoding="utf-8")
    (snapshot,) = read(path, Options(**options))
    assert len(snapshot.frame) + len(snapshot.refusals) + sum(snapshot.left_out.values()) == snapshot.rows_in
    return snapshot


@pytest.mark.parametrize(
    ("body", "controller", "status"),
    [
        (mark(style="ru"), "RU", "held"),
        (mark(style="ua", name="Russian-speaking area"), "UA", "held"),
        (mark(name="Підконтрольне ЗСУ"), "UA", "held"),
        (mark(name="продвижения ВС РФ за 17 - 20 октября"), "RU", "advance"),
        (f"<Folder><name>Серая зона</name>{mark(name='7')}</Folder>", None, "contested"),
        (f"<Folder><name>Сіра зона</name>{mark()}</Folder>", None, "contested"),
        (mark(name="De-occupied"), "UA", "liberated"),
        (mark(name="звільнено 2 квітня"), "UA", "liberated"),
        (mark(extra="<Style><PolyStyle><color>800000ff</color></PolyStyle></Style>"), "RU", "held"),
        (mark(extra="<Style><PolyStyle><color>80ff0000</color></PolyStyle></Style>"), "UA", "held"),
    ],
)
def test_words_that_are_known(tmp_path: Path, body: str, controller: str | None, status: str) -> None:
    frame = one(tmp_path, body).frame
    assert [(row.controller, row.status) for row in frame.itertuples()] == [(controller, status)]


@pytest.mark.parametrize("name", ["Сергіївка", "Russia or Ukraine", "Rural", ""])
def test_what_nothing_explains_is_refused_with_the_known_words(tmp_path: Path, name: str) -> None:
    snapshot = one(tmp_path, mark(name=name, style="poly-1"))
    (refusal,) = snapshot.refusals
    assert "known words" in refusal.why
    assert "--status-map" in refusal.way_out


@pytest.mark.parametrize(
    ("word", "meaning", "expected"),
    [
        ("poly-1", "RU:claimed", ("RU", "claimed")),
        ("зона", "contested", (None, "contested")),
        ("#123456", "UA:held", ("UA", "held")),
        ("Зона А", "UA:liberated", ("UA", "liberated")),
    ],
)
def test_words_that_are_mapped(tmp_path: Path, word: str, meaning: str, expected: tuple[str | None, str]) -> None:
    colour = "<Style><PolyStyle><color>ff563412</color></PolyStyle></Style>"
    frame = one(tmp_path, mark(style="poly-1", name="зона А", extra=colour), statuses={word: meaning}).frame
    assert (frame["controller"][0], frame["status"][0]) == expected


def test_a_status_alone_takes_the_side_from_the_words(tmp_path: Path) -> None:
    frame = one(tmp_path, mark(style="ru", name="new"), statuses={"new": "advance"}).frame
    assert (frame["controller"][0], frame["status"][0]) == ("RU", "advance")
    with pytest.raises(GateError, match="'taken' is unknown"):
        one(tmp_path, mark(style="ru"), statuses={"new": "RU:taken"})


def test_lines_and_points_are_left_out_and_counted(tmp_path: Path) -> None:
    line = "<LineString><coordinates>1,2 3,4</coordinates></LineString>"
    point = "<Point><coordinates>1,2</coordinates></Point>"
    body = mark(style="ru") + mark(style="ru", geometry=line) + 2 * mark(geometry=point) + mark(geometry="")
    snapshot = one(tmp_path, body)
    assert dict(snapshot.left_out) == {"a line": 1, "a point": 2, "no geometry": 1}
    assert snapshot.frame["row"].tolist() == [1]


@pytest.mark.parametrize(
    ("file", "body", "day"),
    [
        ("22_12_08.kml", "", "2022-12-08"),
        ("04 Map 10.11.24.kml", "", "2024-11-10"),
        ("2024.01.23.kml", "", "2024-01-23"),
        ("2 апреля.kml", "<name>Карта 2024</name>", "2024-04-02"),
        ("map.kml", "<name>3 May 2023</name>", "2023-05-03"),
    ],
)
def test_the_day_in_the_name(tmp_path: Path, file: str, body: str, day: str) -> None:
    assert str(one(tmp_path, body + mark(style="ru"), file=file).depicts.date()) == day


def test_the_day_in_the_time_spans_or_nowhere(tmp_path: Path) -> None:
    span = "<TimeSpan><begin>2023-03-05</begin></TimeSpan>"
    assert str(one(tmp_path, mark(style="ru", extra=span), file="map.kml").depicts.date()) == "2023-03-05"
    with pytest.raises(GateError, match="--date"):
        one(tmp_path, mark(style="ru"), file="map.kml")
    assert str(one(tmp_path, mark(style="ru"), file="map.kml", date="2023-03-06").depicts.date()) == "2023-03-06"


def test_real_maps(shared: Path) -> None:
    (snapshot,) = read(shared / "kml" / "creamy_caprice_Control_25_01_01.kml", Options())
    assert str(snapshot.depicts.date()) == "2025-01-01"
    assert list(zip(snapshot.frame["controller"], snapshot.frame["status"], strict=True)) == [
        ("RU", "held"),
        ("UA", "held"),
    ]
    assert any("beyond Ukraine" in note for note in snapshot.notes)
    (front,) = read(shared / "kml" / "FrontLine_25_03_01.kml", Options())
    assert dict(front.left_out) == {"a line": 1}
