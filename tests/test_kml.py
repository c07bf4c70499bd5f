"""KML and KMZ: styles, folders, dates, geometries; and no entity."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import shapely

from geo.errors import FileError
from geo.formats.kml import Colour, Placemark, read_kml
from geo.formats.xml import parse_xml

RING = "<LinearRing><coordinates>35,51,0 35.5,51,0 35.5,51.3,0 35,51,0</coordinates></LinearRing>"
AREA = f"<Polygon><outerBoundaryIs>{RING}</outerBoundaryIs></Polygon>"


def read(text: str) -> list[Placemark]:
    return read_kml(Path("x.kml"), raw=text.encode()).marks


def test_styles_through_maps_folders_data_and_dates() -> None:
    (mark,) = read(
        f"""<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>D</name>
        <Style id="n"><LineStyle><color>ff0000ff</color></LineStyle>
        <PolyStyle><color>80ff8000</color></PolyStyle></Style>
        <StyleMap id="m"><Pair><key>highlight</key><styleUrl>#x</styleUrl></Pair>
        <Pair><key>normal</key><styleUrl>#n</styleUrl></Pair></StyleMap>
        <Folder><name>Outer</name><Folder><name>Inner</name><Placemark><name>N</name>
        <description><![CDATA[<b>x</b>]]></description><styleUrl>#m</styleUrl>
        <TimeSpan><begin>2025-01-01</begin><end>2025-01-02</end></TimeSpan>
        <ExtendedData><Data name="дата"><value>2 апреля</value></Data>
        <SchemaData><SimpleData name="side">ru</SimpleData></SchemaData></ExtendedData>
        {AREA}</Placemark></Folder></Folder></Document></kml>"""
    )
    assert (mark.row, mark.document, mark.folders) == (1, "D", ("Outer", "Inner"))
    assert (mark.style, mark.line, mark.fill) == ("m", Colour("#ff0000", 1.0), Colour("#0080ff", 0.502))
    assert (mark.description, mark.begin, mark.end) == ("<b>x</b>", "2025-01-01", "2025-01-02")
    assert mark.data == {"дата": "2 апреля", "side": "ru"}
    assert mark.geometry is not None
    assert mark.geometry.wkt == "POLYGON ((35 51, 35.5 51, 35.5 51.3, 35 51))"


def test_a_style_of_its_own_wins_and_circles_end() -> None:
    circle = "<StyleMap id='a'><Pair><key>normal</key><styleUrl>#a</styleUrl></Pair></StyleMap>"
    own = "<Style><PolyStyle><color>ff000000</color></PolyStyle></Style>"
    first, second = read(
        f"<kml><Document>{circle}<Placemark><styleUrl>#a</styleUrl>{own}{AREA}</Placemark>"
        f"<Placemark><styleUrl>#a</styleUrl>{AREA}</Placemark></Document></kml>"
    )
    assert first.fill == Colour("#000000", 1.0)
    assert second.fill is None


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (f"<MultiGeometry>{AREA}{AREA}</MultiGeometry>", "MultiPolygon"),
        (f"<MultiGeometry>{AREA}<Point><coordinates>1,2</coordinates></Point></MultiGeometry>", "GeometryCollection"),
        ("<LineString><coordinates>1,2 3,4</coordinates></LineString>", "LineString"),
        ("<Point><coordinates> 36.2, 47.8, 0 </coordinates></Point>", "Point"),
    ],
)
def test_geometry_types(inner: str, kind: str) -> None:
    (mark,) = read(f"<kml><Placemark>{inner}</Placemark></kml>")
    assert mark.geometry is not None
    assert (mark.geometry.geom_type, mark.geometry.has_z, mark.error) == (kind, False, "")


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        (AREA.replace("35.5,51,0 35.5,51.3,0", ""), "a ring needs four positions"),
        (AREA.replace("35,51", "x,51"), "coordinates are no numbers"),
        ("<Track><when>2020</when></Track>", "a Track is not read"),
    ],
)
def test_a_geometry_that_cannot_be_read_is_told(inner: str, words: str) -> None:
    bad, good = read(f"<kml><Placemark>{inner}</Placemark><Placemark>{AREA}</Placemark></kml>")
    assert bad.geometry is None
    assert words in bad.error
    assert good.geometry is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE k [<!ENTITY x 'y'>]><kml>&x;</kml>", "entities are not read, for safety"),
        ("<!DOCTYPE k [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><kml>&x;</kml>", "entities are not read, for safety"),
        ("<!DOCTYPE k SYSTEM 'http://example.org/k.dtd'><kml/>", "document type"),
        ("<!DOCTYPE k [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><kml x='&b;'>&b;</kml>", "document type"),
        ("<!DOCTYPE k [<!ENTITY % x SYSTEM 'file:///etc/passwd'> %x;]><kml/>", "document type"),
        ("<kml>" + "<b>" * 5_000 + "</b>" * 5_000 + "</kml>", "not well-formed XML: .*[Dd]epth"),
        ("<kml><Document>", "not well-formed XML"),
        ("<gpx/>", r"not KML \(the root is <gpx>\)"),
        ("<html><body/></html>", "an HTML page"),
        ("<kml>" + "<Folder>" * 80 + "</Folder>" * 80 + "</kml>", "nested more than 64"),
    ],
)
def test_files_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read(text)


def test_entities_are_refused_in_every_encoding_before_they_grow() -> None:
    lines = "".join(f"<!ENTITY e{i + 1} '{f'&e{i};' * 20}'>" for i in range(12))
    bomb = f"<!DOCTYPE k [<!ENTITY e0 'x'>{lines}]><kml n='&e12;'><name>&e12;</name></kml>"
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        with pytest.raises(FileError, match="document type"):
            parse_xml(Path("bomb.kml"), bomb.encode(encoding))


def test_comments_and_instructions_are_no_text() -> None:
    (mark,) = read(f"<kml><!-- <!DOCTYPE x> --><Placemark><name>a<!-- b -->c<?d e?>f</name>{AREA}</Placemark></kml>")
    assert mark.name == "acf"


@pytest.mark.parametrize("at", range(4))
def test_a_ring_with_a_nan_is_told(at: int) -> None:
    points = ["35,51", "35.5,51", "35.5,51.3", "35,51"]
    points[at] = "NaN,51"
    ring = f"<LinearRing><coordinates>{' '.join(points)}</coordinates></LinearRing>"
    (mark,) = read(f"<kml><Placemark><Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon></Placemark></kml>")
    assert "NaN" in (mark.error or "") or not shapely.is_valid(mark.geometry)  # the gate refuses those


def test_kmz_takes_doc_kml_first(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/other.kml", "<kml/>")
        archive.writestr("doc.kml", f"<kml><Placemark>{AREA}</Placemark></kml>")
    (tmp_path / "x.kmz").write_bytes(stream.getvalue())
    assert len(read_kml(tmp_path / "x.kmz").marks) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("entity_expansion.kml", "entities are not read, for safety"),
        ("external_entity.kml", "entities are not read, for safety"),
        ("kmz_without_kml.kmz", "no KML inside"),
        ("path_traversal.kmz", "leaves the archive"),
        ("zip_bomb.kmz", "limit"),
    ],
)
def test_hostile_kml(shared: Path, name: str, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        read_kml(shared / "hostile" / name)
    host = Path("/etc/hostname")
    assert not host.is_file() or host.read_text().strip() not in str(caught.value)


def test_real_maps(shared: Path) -> None:
    marks = read_kml(shared / "kml" / "creamy_caprice_Control_25_01_01.kml").marks
    assert [mark.style for mark in marks] == ["ru", "ua"]
    assert [mark.fill.rgb for mark in marks if mark.fill] == ["#ff0000", "#0000ff"]
    assert len(read_kml(shared / "incidents" / "google_mymaps_kml" / "lastPoint.kml").marks) == 280
