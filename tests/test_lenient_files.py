"""What other programs open is read and said, a part is never taken for the whole, and no text is garbled in silence."""

from __future__ import annotations

import json
import re
import shutil
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from click.testing import CliRunner

import geo
from geo.cli import main
from geo.errors import FileError, GateError, GeoError
from geo.formats.kml import read_kml
from geo.formats.layers import Layer, read_layer
from geo.formats.tables import read_table
from geo.measure.ellipsoid import area_km2
from geo.schema import Options, Rows, Snapshot
from geo.sources import reader

RING = "37,48 37.5,48 37.5,48.3 37,48.3 37,48"
AREA = (
    f"<Polygon><outerBoundaryIs><LinearRing><coordinates>{RING}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
)
BOX = shapely.box(37, 48, 37.5, 48.3)


def feature(**properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(BOX))}


def collection(*features: dict[str, Any], **members: Any) -> str:
    listed = list(features) or [feature(controller="A", status="held")]
    return json.dumps({"type": "FeatureCollection", "features": listed, **members}, ensure_ascii=False)


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def packed(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def kml(body: str, *, root: str = '<kml xmlns="http://www.opengis.net/kml/2.2">') -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}<Document>{body}</Document></kml>'


def vector(path: Path, **options: Any) -> Snapshot:
    (snapshot,) = reader("vector").read(path, Options(**options))
    assert isinstance(snapshot, Snapshot)
    return snapshot


def incidents(path: Path, source: str = "incidents", **options: Any) -> Rows:
    rows = reader(source).read(path, Options(**options))
    assert isinstance(rows, Rows)
    return rows


# -- a part is never taken for the whole -------------------------------------------------------------------------------

TWINS = {
    "folders": {"north/control.geojson": collection(), "south/control.geojson": collection()},
    "formats": {"control.geojson": collection(), "control.kml": kml(f"<Placemark>{AREA}</Placemark>")},
    "suffixes": {"control.json": collection(), "control.geojson": collection()},
    "depth": {"control.geojson": collection(), "a/b/control.geojson": collection()},
    "lines": {"a/control.geojson": collection(), "b/control.ndjson": json.dumps(feature())},
    "tables": {"a/control.csv": "wkt\nPOINT (1 2)\n", "b/control.csv": "wkt\nPOINT (1 2)\n"},
}


@pytest.mark.parametrize("kind", TWINS)
def test_two_layers_of_one_name_in_a_zip_are_told_apart_by_path(tmp_path: Path, kind: str) -> None:
    path = packed(tmp_path / "2025-01-11.zip", {**TWINS[kind], "readme.txt": "x"})
    with pytest.raises(GateError, match=r"2 layers: name one of them with --layer: .*'control': write its path"):
        read_layer(path)
    with pytest.raises(GateError, match="2 layers called 'control'"):
        read_layer(path, layer="control")
    layer = read_layer(path, layer=next(iter(TWINS[kind])))
    assert len(layer.geometry) == 1
    assert any(note.startswith("1 of 2 layers read; not read: ") for note in layer.notes)


def test_the_named_layer_of_several_is_counted(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[BOX], crs="EPSG:4326")
    for name in ("one", "two.b", "three"):
        frame.to_file(tmp_path / "x.gpkg", layer=name)
    assert "1 of 3 layers read; not read: one, three" in read_layer(tmp_path / "x.gpkg", layer="two.b").notes
    inside = packed(tmp_path / "x.zip", {"x.gpkg": (tmp_path / "x.gpkg").read_bytes()})
    assert "1 of 3 layers read; not read: one, three" in read_layer(inside, layer="two.b").notes
    with pytest.raises(GateError, match="3 layers"):
        read_layer(inside)


def test_several_kml_in_a_kmz(tmp_path: Path) -> None:
    drawn = kml(f"<Placemark>{AREA}</Placemark>")
    path = packed(tmp_path / "x.kmz", {"doc.kml": drawn, "files/b.kml": drawn, "files/legend.kml": kml("")})
    with pytest.raises(GateError, match=r"2 KML files with placemarks: name one of them with --layer: b, doc"):
        read_kml(path)
    assert read_kml(path, layer="b").notes == ("1 of 2 KML files with placemarks read; not read: doc",)
    (tmp_path / "only.kmz").write_bytes(b"")
    only = packed(tmp_path / "only.kmz", {"doc.kml": kml(""), "files/b.kml": drawn})
    assert len(read_kml(only).marks) == 1


@pytest.mark.parametrize("tag", ["Link", "Url"])
@pytest.mark.parametrize("source", ["vector", "uacontrolmap", "mymaps"])
def test_a_file_that_only_links_is_no_map(tmp_path: Path, tag: str, source: str) -> None:
    link = f"<NetworkLink><{tag}><href>https://www.example.org/kml</href></{tag}></NetworkLink>"
    for path in (put(tmp_path / "x_2025-01-11.kml", kml(link)), packed(tmp_path / "x.kmz", {"doc.kml": kml(link)})):
        with pytest.raises(FileError, match=r"only links to https://www.example.org/kml"):
            reader(source).read(path, Options())
    beside = read_kml(put(tmp_path / "y.kml", kml(f"{link}{link}<Placemark>{AREA}</Placemark>")))
    assert beside.notes == (
        "a part: 2 links to other files not followed (https://www.example.org/kml): import those too",
    )


@pytest.mark.parametrize(
    "members",
    [
        {"exceededTransferLimit": True},
        {"properties": {"exceededTransferLimit": True}},
        {"exceededTransferLimit": "true"},
        {"numberMatched": 5, "numberReturned": 1},
        {"totalFeatures": 2},
        {"links": [{"rel": "self", "href": "x"}, {"rel": "next", "href": "y"}]},
        {"totalFeatures": "5"},
        {"next": "https://example.org/?page=2", "previous": None},
        {"meta": {"total": 5, "page": 1}},
        {"metadata": {"count": 5}},
        {"pagination": {"next": "y"}},
        {"hasMore": True},
        {"meta": {"has_more": True}},
        {"truncated": True},
        {"pagination": {"page": 1, "pages": 4}},
        {"totalPages": 2},
    ],
)
def test_a_servers_page_is_refused_unless_accepted(tmp_path: Path, members: dict[str, Any]) -> None:
    path = put(tmp_path / "2025-01-11.geojson", collection(**members))
    with pytest.raises(GateError, match=r"the server says that there is more.*--accept partial"):
        vector(path)
    with pytest.raises(GateError, match="--accept partial"):
        read_layer(packed(tmp_path / "x.zip", {"x.json": path.read_bytes()}))
    assert any("a part, accepted" in note for note in vector(path, accept=frozenset({"partial"})).notes)


@pytest.mark.parametrize(
    "members",
    [
        {"exceededTransferLimit": False},
        {"numberMatched": 1},
        {"links": []},
        {"properties": {}},
        {"next": None, "count": 1},
        {"totalFeatures": "unknown"},
        {"metadata": {"count": 1}},
        {"hasMore": False, "totalPages": 1},
    ],
)
def test_a_whole_answer_is_read(tmp_path: Path, members: dict[str, Any]) -> None:
    assert len(vector(put(tmp_path / "2025-01-11.geojson", collection(**members))).frame) == 1


ACLED = "event_id_cnty,event_date,latitude,longitude,fatalities,timestamp\n"


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        (("1736700000", "1736800000"), ["2"]),
        (("1736800000", "1736700000"), ["1"]),
        (("2025-01-12", "2025-01-13"), ["2"]),
        (("1736700000", "1736900000", "1736800000"), ["2"]),
        (("1736700000", "1736700000"), ["1"]),
        (("", "1736700000"), ["1"]),
    ],
)
def test_of_an_acled_id_twice_the_later_row_counts(tmp_path: Path, times: tuple[str, ...], kept: list[str]) -> None:
    lines = [f"UKR1,2025-01-11,48.2,37.1,{n},{time}\n" for n, time in enumerate(times, 1)]
    rows = incidents(put(tmp_path / "x.csv", ACLED + "".join(lines)), "acled")
    assert rows.frame["best"].map(lambda n: f"{n:g}").tolist() == kept
    told = sum(rows.left_out.values()) + len(rows.refusals)
    assert (told, rows.rows_in) == (len(times) - 1, len(times))
    if "" not in times and len(set(times)) > 1:
        assert "later timestamp" in next(iter(rows.left_out))


@pytest.mark.parametrize("kind", [".dbf", ".shx"])
def test_a_table_of_fewer_rows_than_shapes_is_of_another_file(tmp_path: Path, kind: str) -> None:
    for name, count in (("one", 1), ("two", 2)):
        frame = gpd.GeoDataFrame(
            {"controller": "RU", "status": "held"}, geometry=[BOX] * count, crs="EPSG:4326", index=range(count)
        )
        frame.to_file(tmp_path / f"{name}_2025-01-11.shp")
    shutil.copy(tmp_path / f"one_2025-01-11{kind}", tmp_path / f"two_2025-01-11{kind}")
    with pytest.raises(FileError, match="a part, or of another file"):
        vector(tmp_path / "two_2025-01-11.shp")
    assert len(vector(tmp_path / "one_2025-01-11.shp").frame) == 1


# -- encodings ---------------------------------------------------------------------------------------------------------


def shapefile(folder: Path, side: str, *, encoding: str, cpg: str | None = None, language: int = 0) -> Path:
    """A Shapefile whose table is written byte by byte in an encoding that only `cpg` or the language byte may name."""
    path = folder / "x_2025-01-11.shp"
    frame = gpd.GeoDataFrame({"controller": ["x" * 20], "status": ["held"]}, geometry=[BOX], crs="EPSG:4326")
    frame.to_file(path)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    table = bytearray(path.with_suffix(".dbf").read_bytes())
    start, _ = struct.unpack("<HH", table[8:12])
    table[start + 1 : start + 21] = side.encode(encoding).ljust(20)[:20]
    table[29] = language
    path.with_suffix(".dbf").write_bytes(table)
    return path


@pytest.mark.parametrize(
    ("side", "encoding", "given"),
    [
        ("Україна", "cp1251", {}),
        ("Україна", "cp1251", {"language": 0x57}),
        ("Росія", "cp1251", {"cpg": "nonsense"}),
        ("Росія", "cp1251", {"cpg": "UTF-8"}),
        ("Росія", "koi8-u", {}),
        ("Łódź", "cp1250", {"cpg": "\x01"}),
        ("السودان", "cp1256", {}),
    ],
)
def test_text_in_an_encoding_that_nothing_names_is_refused(
    tmp_path: Path, side: str, encoding: str, given: Any
) -> None:
    path = shapefile(tmp_path, side, encoding=encoding, **given)
    with pytest.raises(FileError, match="--encoding"):
        vector(path)
    snapshot = vector(path, encoding=encoding)
    assert snapshot.frame["controller"].tolist() == [side]
    assert any(repr(side) in note for note in snapshot.notes)


@pytest.mark.parametrize(
    ("side", "encoding", "given"),
    [
        ("Україна", "utf-8", {"cpg": "UTF-8"}),
        ("Україна", "utf-8", {}),
        ("Україна і Росія", "utf-8", {"cpg": "utf8"}),  # cut off within a letter
        ("Україна", "cp1251", {"cpg": "1251"}),
        ("Україна", "cp1251", {"cpg": "ANSI 1251"}),
        ("Україна", "cp1251", {"language": 0xC9}),
        ("Украина", "cp866", {"cpg": "OEM 866"}),
        ("Côte", "iso8859-1", {"cpg": "ISO 88591"}),
        ("RU", "ascii", {"cpg": "nonsense"}),
        ("Zürich", "cp1252", {"language": 0x03}),
        ("Côte-d’Or", "cp1252", {"cpg": "ANSI 1252"}),
        ("Łódź", "cp1250", {"cpg": "1250"}),
        ("缅甸军", "gbk", {"cpg": "936"}),
    ],
)
def test_a_named_encoding_is_read_and_said(tmp_path: Path, side: str, encoding: str, given: Any) -> None:
    snapshot = vector(shapefile(tmp_path, side, encoding=encoding, **given))
    (read,) = snapshot.frame["controller"]
    assert side.startswith(read)
    assert len(read) > len(side) - 5
    assert any(side in note for note in snapshot.notes) == (encoding not in ("utf-8", "ascii") or not given)


@pytest.mark.parametrize(
    ("side", "encoding"),
    [
        ("Łódź", "cp1250"), ("Zürich", "cp1252"), ("Украина", "koi8-u"), ("Украина", "cp866"), ("سوريا", "cp1256"),
    ],
)  # fmt: skip
def test_the_readings_that_are_offered_have_the_right_one(tmp_path: Path, side: str, encoding: str) -> None:
    with pytest.raises(FileError, match="say --encoding") as caught:
        vector(shapefile(tmp_path, side, encoding=encoding))
    assert f"as {encoding}: {side!r}" in str(caught.value)
    assert str(caught.value).count("; as ") < 4  # and not all six


@pytest.mark.parametrize(
    "given",
    [
        {"cpg": "windows-1251"}, {"cpg": "1252"}, {"cpg": "ISO 88591"}, {"cpg": "KOI8-R"}, {"cpg": "cp866"},
        {"cpg": "UTF-16"}, {"cpg": "nonsense"}, {"language": 0xC9}, {"language": 0x03},
    ],
)  # fmt: skip
def test_text_in_utf8_is_read_as_such_whatever_else_is_said_of_it(tmp_path: Path, given: Any) -> None:
    snapshot = vector(shapefile(tmp_path, "Україна", encoding="utf-8", **given))
    assert snapshot.frame["controller"].tolist() == ["Україна"]
    assert any("read as UTF-8" in note and "'Україна'" in note for note in snapshot.notes)


@pytest.mark.parametrize(
    ("side", "encoding", "given"),
    [
        ("Україна", "cp1251", {"language": 0x03}), ("Украина", "koi8-r", {"cpg": "1252"}), ("Росія", "cp1251", {"cpg": "cp866"}),
        ("Łódź", "cp1250", {"cpg": "1251"}), ("Ελλάδα", "cp1253", {"cpg": "1252"}), ("Украина", "cp866", {"cpg": "1251"}),
    ],
)  # fmt: skip
def test_a_table_whose_encoding_is_said_wrongly_is_refused(
    tmp_path: Path, side: str, encoding: str, given: Any
) -> None:
    path = shapefile(tmp_path, side, encoding=encoding, **given)
    with pytest.raises(FileError, match="says .*, but other text is there: say --encoding"):
        vector(path)
    assert vector(path, encoding=encoding).frame["controller"].tolist() == [side]


def test_utf8_is_not_read_in_an_encoding_that_the_command_names(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="the text is UTF-8: leave it out .'Україна'"):
        vector(shapefile(tmp_path, "Україна", encoding="utf-8"), encoding="cp1251")
    table = "event_id,date_start,latitude,longitude,notes\n1,2025-01-11,48,37,Київ\n"
    with pytest.raises(FileError, match="the text is UTF-8: leave it out .'Київ'"):
        incidents(put(tmp_path / "x.csv", table), encoding="cp1251")
    text = f"<kml><Document><Placemark><name>Київ</name>{AREA}</Placemark></Document></kml>"
    path = put(tmp_path / "x.kml", '<?xml version="1.0" encoding="windows-1251"?>' + text)
    file = read_kml(path)
    assert file.marks[0].name == "Київ"
    assert any("UTF-8" in note for note in file.notes)


@pytest.mark.parametrize("encoding", ["cp1251", "utf-16", "utf-16-le", "koi8-u", "cp866"])
def test_a_table_in_another_encoding_is_refused_with_its_cells(tmp_path: Path, encoding: str) -> None:
    text = "event_id,date_start,latitude,longitude,notes\n1,2025-01-11,48,37,Київ\n2,2025-01-11,48,37,Харків\n"
    path = put(tmp_path / "x.csv", text.replace("і", "i").replace("ї", "i").encode(encoding))
    with pytest.raises(FileError, match="UTF-8") as caught:
        read_table(path)
    assert "encoding" in str(caught.value) or "save it as UTF-8" in str(caught.value)
    if encoding == "cp1251":
        assert "as cp1251: 'Киiв'" in str(caught.value)
    assert incidents(path, encoding=encoding).frame["notes"].tolist() == ["Киiв", "Харкiв"]


def test_geojson_in_a_named_encoding(tmp_path: Path) -> None:
    path = put(tmp_path / "2025-01-11.geojson", collection(feature(controller="Київ", status="held")).encode("cp1251"))
    with pytest.raises(FileError, match="not UTF-8"):
        vector(path)
    assert vector(path, encoding="cp1251").frame["controller"].tolist() == ["Київ"]


def test_kml_without_its_encoding(tmp_path: Path) -> None:
    text = f"<kml><Document><Placemark><name>Київ</name>{AREA}</Placemark></Document></kml>".encode("cp1251")
    with pytest.raises(FileError, match=r'not UTF-8: name the encoding in .*encoding="windows-1251"'):
        read_kml(put(tmp_path / "x.kml", text))
    said = b'<?xml version="1.0" encoding="windows-1251"?>' + text
    assert read_kml(put(tmp_path / "y.kml", said)).marks[0].name == "Київ"


# -- lenient, and said -------------------------------------------------------------------------------------------------

PLACE = f"<Placemark><name>Russian control</name>{{}}{AREA}</Placemark>"
SLIPS = {
    "xsi": kml(PLACE.format(""), root='<kml xsi:schemaLocation="http://www.opengis.net/kml/2.2 ogckml22.xsd">'),
    "gx": kml(PLACE.format("<gx:balloonVisibility>1</gx:balloonVisibility>")),
    "atom": kml("<atom:author><atom:name>n</atom:name></atom:author>" + PLACE.format('<atom:link href="x"/>')),
    "other prefix": kml(PLACE.format("<mwm:id>7</mwm:id>")),
    "nbsp": kml(PLACE.format("<description>north&nbsp;side &mdash; &eacute;</description>")),
    "ampersand": kml(PLACE.format("<description>Smith & Sons, a&b, AT&T; x?a=1&b=2</description>")),
    "blank line": "\n" + kml(PLACE.format("")),
    "blank line and mark": "\ufeff \r\n" + kml(PLACE.format("")),
    "all": "\n" + kml(PLACE.format("<description>a & b&nbsp;</description><gx:drawOrder>1</gx:drawOrder>")),
    "in text beside CDATA": kml(
        PLACE.format("<description><![CDATA[a & b &nbsp;]]></description>") + "<name>a & b</name>"
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("source", ["uacontrolmap", "vector"])
def test_kml_that_other_programs_open_is_read_and_said(tmp_path: Path, slip: str, source: str) -> None:
    path = put(tmp_path / "x_2025-01-11.kml", SLIPS[slip])
    (snapshot,) = reader(source).read(path, Options(constants={"controller": "RU", "status": "held"}))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.frame["controller"].tolist() == ["RU"]
    assert any("not quite XML" in note for note in snapshot.notes)


def test_the_text_of_a_slip_is_kept(tmp_path: Path) -> None:
    (mark,) = read_kml(put(tmp_path / "x.kml", SLIPS["ampersand"])).marks
    assert mark.description == "Smith & Sons, a&b, AT&T; x?a=1&b=2"
    (mark,) = read_kml(put(tmp_path / "x.kml", SLIPS["nbsp"])).marks
    assert mark.description == "north\u00a0side \u2014 é"
    (mark,) = read_kml(put(tmp_path / "x.kml", SLIPS["in text beside CDATA"])).marks
    assert mark.description == "a & b &nbsp;"


@pytest.mark.parametrize(
    "text",
    [
        kml(PLACE.format("<description>a < b</description>")),
        kml(PLACE.format("<b>")),
        '<!DOCTYPE k [<!ENTITY nbsp "x">]>' + SLIPS["nbsp"].partition("?>")[2],
        kml(PLACE.format("<description>&nbsp;</name>")),
        SLIPS["gx"][:-20],
    ],
)
def test_what_is_not_listed_as_a_slip_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileError):
        read_kml(put(tmp_path / "x.kml", text))


LINES = [json.dumps(feature(controller="A", status="held")), json.dumps(feature(controller="B", status="held"))]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ndjson", "\n".join(LINES)),
        ("geojsonl", "\n".join(LINES) + "\n"),
        ("jsonl", "\r\n".join(LINES)),
        ("geojson", "\n\n".join(LINES)),
        ("json", "\ufeff" + "\n".join(LINES)),
        ("geojsons", "".join(f"\x1e{line}\n" for line in LINES)),
        ("geojsonseq", "".join(f"\x1e{line}\n" for line in LINES)),
        (
            "geojson",
            "\x1e" + json.dumps({"type": "FeatureCollection", "features": list(map(json.loads, LINES))}, indent=1),
        ),
        ("ndjson", "\n".join(collection(json.loads(line)) for line in LINES)),
    ],
)
def test_sequences_of_geojson(tmp_path: Path, name: str, text: str) -> None:
    snapshot = vector(put(tmp_path / f"2025-01-11.{name}", text))
    assert snapshot.frame["controller"].tolist() == ["A", "B"]
    assert any("a sequence of" in note for note in snapshot.notes)


def test_a_cut_sequence_is_told(tmp_path: Path) -> None:
    with pytest.raises(GeoError, match="text 2 of 2 in a sequence of GeoJSON"):
        vector(put(tmp_path / "2025-01-11.ndjson", "\n".join(LINES)[:-30]))


def topology(*names: str) -> str:
    arcs = [[[37, 48], [37.5, 48], [37.5, 48.3], [37, 48.3], [37, 48]]]
    shape = {"type": "Polygon", "arcs": [[0]], "properties": {"controller": "A", "status": "held"}}
    return json.dumps({"type": "Topology", "arcs": arcs, "objects": dict.fromkeys(names, shape)})


@pytest.mark.parametrize("suffix", [".topojson", ".json", ".geojson"])
def test_topojson_of_a_desk(tmp_path: Path, suffix: str) -> None:
    one = put(tmp_path / f"2025-01-11{suffix}", topology("a"))
    assert vector(one).frame.geometry[0].equals(BOX)
    two = put(tmp_path / f"2025-01-12{suffix}", topology("a", "b"))
    with pytest.raises(GateError, match="2 layers: name one of them with --layer: a, b"):
        vector(two)
    assert "1 of 2 layers read; not read: a" in vector(two, layer="b").notes


@pytest.mark.parametrize(
    ("name", "text", "options"),
    [
        ("csv", f'controller,status,wkt\nA,held,"{BOX.wkt}"\n', {}),
        ("csv", f'WKT,Controller,STATUS\n"{BOX.wkt}",A,Held\n', {}),
        ("csv", f"the_geom;controller;status\n{BOX.wkt};A;held\n", {"delimiter": ";"}),
        ("csv", f"sep=;\ngeometry;controller;status\n{BOX.wkt};A;held\n", {}),
        ("tsv", f"geom\tcontroller\tstatus\n{BOX.wkt}\tA\theld\n", {"delimiter": "tab"}),
        ("csv", f'controller,status,wkt\nA,held,"SRID=4326;{BOX.wkt}"\n', {}),
        ("csv", f'controller,status,wkt\nA,held,"{shapely.to_wkt(shapely.force_3d(BOX))}"\n', {}),
        ("csv", f"controller,status,wkb_geometry\nA,held,{shapely.to_wkb(BOX, hex=True)}\n", {}),
    ],
)
def test_a_table_of_wkt(tmp_path: Path, name: str, text: str, options: dict[str, Any]) -> None:
    (shape,) = vector(put(tmp_path / f"2025-01-11.{name}", text), **options).frame.geometry
    assert shape.equals(BOX)
    assert not shape.has_z
    inside = packed(tmp_path / "2025-01-11.zip", {f"x.{name}": text})
    assert len(vector(inside, **options).frame) == 1


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_table_of_quoted_wkt_with_another_separator_is_told_which(tmp_path: Path, sign: str) -> None:
    text = f'wkt{sign}controller{sign}status\n"{BOX.wkt}"{sign}RU{sign}held\n'
    path = put(tmp_path / "2025-01-11.csv", text)
    with pytest.raises(FileError, match=re.escape(f"separator {sign!r}")):
        vector(path)
    assert len(vector(path, delimiter=sign).frame) == 1


@pytest.mark.parametrize("text", ["None", "null", "NaN", "N/A", "<Null>", "-", "—", "?"])
def test_words_for_an_empty_cell_are_no_side(tmp_path: Path, text: str) -> None:
    rows = [feature(controller=side, status="held") for side in ("NA", text)]
    snapshot = vector(put(tmp_path / "2025-01-11.geojson", collection(*rows)))
    assert snapshot.frame["controller"].tolist() == ["NA"]  # Namibia
    assert [(r.row, r.why) for r in snapshot.refusals] == [(2, "no controller")]


@pytest.mark.parametrize(
    ("side", "meant"),
    [
        ("РЈРєСЂР°С—РЅР°", "Україна"), ("Óêðà¿íà", "Україна"), ("ZÃ¼rich", "Zürich"), ("Ukra\ufffdne", None), ("Україна", ""),
        ("Zürich", ""), ("Сили оборони", ""), ("ДНР/ЛНР", ""), ("القوات المسلحة", ""), ("Côte d’Ivoire", ""), ("缅甸军", ""),
    ],
)  # fmt: skip
def test_a_side_that_came_garbled_is_told(tmp_path: Path, side: str, meant: str | None) -> None:
    path = put(tmp_path / "2025-01-11.geojson", collection(feature(controller=side, status="held")))
    found = [note for note in vector(path).notes if "looks garbled" in note]
    assert len(found) == (meant != "")
    assert not meant or f"perhaps {meant!r}" in found[0]


@pytest.mark.parametrize("side", [["RU"], {"name": "RU"}])
def test_a_list_or_an_object_is_no_side(tmp_path: Path, side: Any) -> None:
    with pytest.raises(GateError, match="row 1: controller is a list or an object"):
        vector(put(tmp_path / "2025-01-11.geojson", collection(feature(controller=side, status="held"))))


def test_metres_and_bad_shapes_in_a_table_of_wkt(tmp_path: Path) -> None:
    metres = gpd.GeoSeries([BOX], crs=4326).to_crs(3857)[0].wkt
    text = f'controller,status,wkt\nA,held,"SRID=3857;{metres}"\nA,held,"POLYGON ((1 2))"\nA,held,\nA,held\n'
    snapshot = vector(put(tmp_path / "2025-01-11.csv", text))
    assert snapshot.frame.geometry[0].equals_exact(BOX, 1e-9)
    assert [refusal.row for refusal in snapshot.refusals] == [2, 3, 4]
    assert "cannot be read: write WKT" in snapshot.refusals[0].why
    with pytest.raises(GateError, match="a table without a column of shapes"):
        vector(put(tmp_path / "2025-01-12.csv", "controller,status\nA,held\n"))


SHORT = "event_id,date_start,latitude,longitude\n1,{},48,37\n"


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("7-Jun-25", "2025-06-07"),
        ("07-Jun-2025", "2025-06-07"),
        ("7 Jun 2025", "2025-06-07"),
        ("'2025-06-07", "2025-06-07"),
        ('"June 7, 2025"', "2025-06-07"),
        ('"Jun 7, 2025"', "2025-06-07"),
        ("7 June 2025", "2025-06-07"),
    ],
)
def test_dates_as_spreadsheets_write_them(tmp_path: Path, date: str, day: str) -> None:
    assert incidents(put(tmp_path / "x.csv", SHORT.format(date))).frame["date_start"].tolist() == [day]


@pytest.mark.parametrize("number", ["45668", "45668.5", "'45668", "44562", "60000"])
def test_a_day_number_is_refused_with_the_date_it_may_mean(tmp_path: Path, number: str) -> None:
    (refusal,) = incidents(put(tmp_path / "x.csv", SHORT.format(number))).refusals
    assert "may be a spreadsheet's day number for 20" in refusal.why
    if number == "45668":
        assert "2025-01-11" in refusal.why
        with pytest.raises(GateError, match="day number for 2025-01-11"):
            vector(put(tmp_path / "x.geojson", collection(feature(controller="A", status="held", date="45668"))))


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;\r"])
@pytest.mark.parametrize("given", [None, ";"])
def test_a_spreadsheets_first_line_is_skipped_and_said(tmp_path: Path, line: str, given: str | None) -> None:
    text = f"{line}\n{SHORT.format('2025-01-11').replace(',', ';')}"
    rows = incidents(put(tmp_path / "x.csv", text), delimiter=given)
    assert rows.frame["event_id"].tolist() == ["1"]
    assert any("sep=;" in note for note in rows.notes)


def test_a_spreadsheets_apostrophe_is_left_out_and_said(tmp_path: Path) -> None:
    text = "event_id,date_start,latitude,longitude,notes\n'007,'2025-01-11,'48.1,'-37,'Amran\n2,2025-01-11,1,2,x\n"
    rows = incidents(put(tmp_path / "x.csv", text))
    first = rows.frame.iloc[0]
    assert (first["event_id"], first["latitude"], first["longitude"]) == ("007", 48.1, -37)
    assert first["notes"] == "'Amran"  # a letter, and the beginning of a word
    assert any("apostrophe" in note and "1 row" in note for note in rows.notes)


@pytest.mark.parametrize(
    ("source", "header"),
    [
        ("incidents", "Id,Date,Latitude,Longitude,Description"),
        ("incidents", "EVENT_ID,DATE_START,LATITUDE,LONGITUDE,NOTES"),
        ("incidents", "Event ID,Date Start,latitude,Longitude,Notes"),
        ("acled", "EVENT_ID_CNTY,EVENT_DATE,LATITUDE,LONGITUDE,NOTES"),
        ("viina", "EVENT_ID,DATE,LATITUDE,LONGITUDE,TEXT"),
        ("eyes-on-russia", "Entry,Date,Lat,Lon,Event_Group"),
    ],
)
def test_columns_in_any_case(tmp_path: Path, source: str, header: str) -> None:
    cells = "1,2025-01-11,48.5,37.25,x" if source != "eyes-on-russia" else "1,2025-01-11,48.5,37.25,Bombing"
    rows = incidents(put(tmp_path / "x.csv", f"{header}\n{cells}\n"), source)
    (row,) = rows.frame.itertuples()
    assert (row.latitude, row.longitude, row.date_start) == (48.5, 37.25, "2025-01-11")
    assert json.loads(row.orig)[header.split(",")[0]] == "1"


AGGREGATES = (
    "WEEK,REGION,COUNTRY,ADMIN1,EVENT_TYPE,SUB_EVENT_TYPE,EVENTS,FATALITIES,POPULATION_EXPOSURE,DISORDER_TYPE,ID,"
    "CENTROID_LATITUDE,CENTROID_LONGITUDE\n2025-01-11,Europe,Ukraine,Donetsk,Battles,Armed clash,5,0,,x,1,48,37\n"
)


@pytest.mark.parametrize("source", ["acled", "incidents"])
@pytest.mark.parametrize(
    "text", [AGGREGATES, AGGREGATES.lower(), "country,month,year,events,fatalities\nUkraine,January,2025,5,1\n"]
)
def test_counts_of_events_are_refused_as_what_they_are(tmp_path: Path, source: str, text: str) -> None:
    with pytest.raises(GateError, match="ACLED's weekly aggregates"):
        incidents(put(tmp_path / "x.csv", text), source)


# -- codes and crashes -------------------------------------------------------------------------------------------------


def unit(code: str, name: str, level: int = 0) -> dict[str, Any]:
    return feature(unit=code, name=name, level=level)


@pytest.mark.parametrize(
    ("units", "codes"),
    [
        ([unit("NA", "Namibia")], ["NA"]),
        ([unit("BW", "Botswana"), unit("NA", "Namibia")], ["BW", "NA"]),
        ([unit("NA", "One"), unit("NA", "Two")], [None, None]),
        ([unit("NA", "A province", 1), unit("X", "Another", 1)], [None, "X"]),
        ([unit("-99", "Nowhere"), unit("NA", "Namibia")], [None, "NA"]),
    ],
)
def test_na_is_the_code_of_namibia(tmp_path: Path, units: list[dict[str, Any]], codes: list[str | None]) -> None:
    rows = reader("units").read(put(tmp_path / "u.geojson", collection(*units)), Options())
    assert isinstance(rows, Rows)
    assert rows.frame["unit"].tolist() == codes


@pytest.mark.parametrize(("place", "country"), [((17.0, -22.6), "NA"), ((37.0, 48.0), None), ((24.0, -22.0), None)])
@pytest.mark.parametrize("source", ["incidents", "acled"])
def test_na_is_a_country_where_the_point_lies_in_namibia(
    tmp_path: Path, place: tuple[float, float], country: str | None, source: str
) -> None:
    names = "event_id,date_start" if source == "incidents" else "event_id_cnty,event_date"
    text = f"{names},latitude,longitude,country\n1,2025-01-11,{place[1]},{place[0]},NA\n"
    namibia = shapely.box(12, -28, 21, -17)

    def locate(x: Any, y: Any) -> Any:
        return np.where(shapely.contains_xy(namibia, x, y), "NA", "").astype(object)

    rows = incidents(put(tmp_path / "x.csv", text), source, locate=locate)
    assert rows.frame["country"].tolist() == [country]


LINE = "<LineString><coordinates>37,48 37.1,48.1</coordinates></LineString>"
POINT = "<Point><coordinates>37.2,48.1</coordinates></Point>"


@pytest.mark.parametrize(
    ("shapes", "stored"),
    [
        (LINE + POINT, 1),
        (POINT + LINE, 1),
        (AREA + POINT, 1),
        (POINT + POINT, 1),
        (f"<MultiGeometry>{LINE}<MultiGeometry>{POINT}</MultiGeometry></MultiGeometry>", 1),
        (LINE + POINT + POINT.replace("37.2", "37.3"), 0),
        (LINE + LINE, 0),
    ],
)
def test_a_point_beside_other_shapes_is_the_incidents(tmp_path: Path, shapes: str, stored: int) -> None:
    mark = f"<Placemark><name>2024-05-06 harbour</name><MultiGeometry>{shapes}</MultiGeometry></Placemark>"
    rows = incidents(put(tmp_path / "x.kml", kml(mark)), "mymaps")
    assert [(p.x, p.y) for p in rows.frame.geometry] == [(37.2, 48.1)] * stored
    assert len(rows.refusals) + sum(rows.left_out.values()) == 1 - stored


def test_nothing_of_the_libraries_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vector(shapefile(tmp_path, "RU", encoding="ascii", cpg="nonsense"))
        read: list[Layer] = [read_layer(put(tmp_path / "x.csv", 'wkt\n"POLYGON ((1 2))"\nPOINT (nan 1)\n'))]
    assert len(read) == 1
    out = capfd.readouterr()
    assert out.out + out.err == ""


@pytest.mark.parametrize("hole", ["36,47 38,47 38,49 36,49 36,47", RING, "36.9,48 37.6,48 37.6,48.3 36.9,48.3 36.9,48"])
def test_no_receipt_has_an_area_below_nothing(tmp_path: Path, hole: str) -> None:
    inner = f"<innerBoundaryIs><LinearRing><coordinates>{hole}</coordinates></LinearRing></innerBoundaryIs></Polygon>"
    marks = f"<Placemark><name>Russian control</name>{AREA.replace('</Polygon>', inner)}</Placemark>" + PLACE.format("")
    path = put(tmp_path / "x_2025-01-11.kml", kml(marks))
    (receipt,) = geo.import_files(tmp_path / "a.gpkg", "uacontrolmap", path)
    assert receipt.rows_in == 2
    assert not re.search(r"-[\d.]+ km²", " ".join((*receipt.repairs, *receipt.notes)))


def test_warnings_of_libraries_stay_out_of_the_commands_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.warnoptions", [])

    @main.command("warn-for-a-test")
    def warn() -> None:
        warnings.warn("from a library", FutureWarning, stacklevel=1)

    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            assert CliRunner().invoke(main, ["warn-for-a-test"]).exit_code == 0
    finally:
        main.commands.pop("warn-for-a-test")
    assert not seen


@pytest.mark.parametrize("west", [-180.0, 0.0])
def test_ground_all_round_the_globe_has_its_area(west: float) -> None:
    east = west + 360
    shapes = [
        shapely.box(west, -90, east, 90),
        shapely.box(west, 0, east, 10),
        shapely.box(west, 0, west + 120, 10),
        shapely.box(west, -90, east, 90) - shapely.box(west + 20, 10, west + 30, 20),
        shapely.box(west + 20, 10, west + 30, 20),
        shapely.Polygon([(west, -90), (east, -90), (east, -70), (west + 100, -72), (west, -70)]),
        # a step over the antimeridian written as 180 and -180
        shapely.Polygon([(170, 10), (180, 10), (-180, 10), (-170, 10), (-170, 0), (-180, 0), (180, 0), (170, 0)]),
        shapely.box(170, 0, 190, 10),
    ]
    world, belt, third, holed, hole, pole, stepped, plain = area_km2(gpd.GeoSeries(shapes, crs="EPSG:4326"))
    assert world == pytest.approx(510_065_622, rel=1e-7)
    assert belt == pytest.approx(3 * third)
    assert holed + hole == pytest.approx(world)
    assert 12e6 < pole < 16e6
    assert stepped == pytest.approx(plain)
