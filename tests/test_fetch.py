"""What is new at an address, taken in: the same archive as by hand, and whole after every fault."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from address_server import QUICK, Answer, Server, contents, leftovers
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from geo import fetch_new, import_files, open_archive
from geo.automation import fetch as fetching
from geo.automation.addresses import Address, Layer, filled, find_address, known_addresses, parse_address
from geo.cli import main
from geo.errors import BusyError, FetchError, FileError, UsageError
from geo.schema import Options
from geo.sources import reader
from geo.sources.vector import read_toml
from geo.storage.atomic_write import locked

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
DAYS = ("2024-09-10", "2024-10-01", "2024-10-20")
WHO = "desk@example.org"
SPAN: dict[str, Any] = {"since": DAYS[0], "until": DAYS[-1], "contact": WHO}


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        for day in DAYS:
            running.give(f"/{day}.geojson", seed(day))
        yield running


def seed(day: str) -> bytes:
    return (SEEDS / "control" / f"{day}.geojson").read_bytes()


def seeds_address(server: Server, **more: Any) -> Address:
    credit, options = read_toml(SEEDS / "control.toml")
    table = {"reader": "vector", "way": "days", "url": server.url + "/{day}.geojson", "name": "{day}.geojson",
             "loopback": True, **more}  # fmt: skip
    address = parse_address(table, name="seeds", where="test")
    return replace(address, limits=QUICK, credit=credit, options=options)


def by_hand(path: Path, files: dict[str, bytes]) -> Path:
    credit, options = read_toml(SEEDS / "control.toml")
    folder = path.parent / "by hand"
    folder.mkdir(exist_ok=True)
    for name, body in files.items():
        (folder / name).write_bytes(body)
    receipts = import_files(path, "vector", [folder / name for name in files], options=options, credit=credit)
    assert all(r.outcome != "refused" for r in receipts)
    return path


@cache
def told_by_hand(*days: str) -> dict[str, list[tuple[Any, ...]]]:
    """What an archive of these days says."""
    with TemporaryDirectory() as folder:
        return contents(by_hand(Path(folder) / "hand.gpkg", {f"{d}.geojson": seed(d) for d in days}))


def outcomes(done: fetching.Fetched) -> dict[str, str]:
    return {file.name[:10]: file.outcome for file in done.files if file.outcome != "missing"}


def test_fetched_is_the_same_archive_as_by_hand_and_then_nothing_is_new(server: Server, tmp_path: Path) -> None:
    archive, address = tmp_path / "war.gpkg", seeds_address(server)
    done = fetch_new(archive, "seeds", address=address, **SPAN)
    assert outcomes(done) == dict.fromkeys(DAYS, "new")
    assert done.credit.licence == "CC BY 4.0"
    assert contents(archive) == told_by_hand(*DAYS)
    for file in done.files:
        if file.outcome == "new":
            assert Path(file.path).read_bytes() == seed(file.name[:10])
            assert Path(file.path).parent == tmp_path / "war.files" / "seeds"
    kept = open_archive(archive).reader.snapshots()
    assert set(kept["retrieved"]) == {f.retrieved for f in done.files if f.retrieved}
    before = archive.read_bytes()
    again = fetch_new(archive, "seeds", address=address, **SPAN)
    assert outcomes(again) == dict.fromkeys(DAYS, "unchanged")
    assert again.summary().startswith("nothing new")
    assert archive.read_bytes() == before
    assert not leftovers(tmp_path)


def test_what_the_server_said_of_a_file_is_said_back(server: Server, tmp_path: Path) -> None:
    path = f"/{DAYS[0]}.geojson"
    server.give(
        path, Answer(seed(DAYS[0]), headers={"ETag": '"one"', "Last-Modified": "Tue, 10 Sep 2024 20:00:00 GMT"})
    )
    address = seeds_address(server)
    for _ in range(2):
        fetch_new(tmp_path / "war.gpkg", "seeds", address=address, since=DAYS[0], until=DAYS[0], contact=WHO)
    first, second = (headers for asked, headers in server.asked if asked == path)
    assert "If-None-Match" not in first
    assert second["If-None-Match"] == '"one"'
    assert second["If-Modified-Since"] == "Tue, 10 Sep 2024 20:00:00 GMT"


def test_a_corrected_file_is_a_new_recording_and_the_old_one_stays(server: Server, tmp_path: Path) -> None:
    archive, address = tmp_path / "war.gpkg", seeds_address(server)
    fetch_new(archive, "seeds", address=address, **SPAN)
    first = open_archive(archive).area(DAYS[1], status="held")["area_km2"].sum()
    known_then = datetime.now(UTC)
    server.give(f"/{DAYS[1]}.geojson", seed("2024-10-20"))
    done = fetch_new(archive, "seeds", address=address, **SPAN)
    assert outcomes(done) == {DAYS[0]: "unchanged", DAYS[1]: "corrected", DAYS[2]: "unchanged"}
    corrected = next(file for file in done.files if file.outcome == "corrected")
    assert corrected.receipt is not None
    assert corrected.receipt.outcome == "superseded"
    assert Path(corrected.path) == tmp_path / "war.files" / "seeds" / "v2" / f"{DAYS[1]}.geojson"
    assert (tmp_path / "war.files" / "seeds" / f"{DAYS[1]}.geojson").read_bytes() == seed(DAYS[1])
    kept = open_archive(archive)
    second = kept.area(DAYS[1], status="held")["area_km2"].sum()
    assert second == kept.area(DAYS[2], status="held")["area_km2"].sum() != first
    assert kept.area(DAYS[1], status="held", as_known_on=known_then)["area_km2"].sum() == first
    # and back again: the first version's file is used, no third one is made
    server.give(f"/{DAYS[1]}.geojson", seed(DAYS[1]))
    assert outcomes(fetch_new(archive, "seeds", address=address, **SPAN))[DAYS[1]] == "corrected"
    assert open_archive(archive).area(DAYS[1], status="held")["area_km2"].sum() == first
    assert not (tmp_path / "war.files" / "seeds" / "v3").exists()


def test_the_same_bytes_under_a_new_day_are_that_days_recording(server: Server, tmp_path: Path) -> None:
    server.give(f"/{DAYS[1]}.geojson", seed(DAYS[0]))
    done = fetch_new(tmp_path / "war.gpkg", "seeds", address=seeds_address(server), **SPAN)
    second = next(file for file in done.files if file.name.startswith(DAYS[1]))
    assert (second.outcome, second.note) == ("new", f"the same bytes as {DAYS[0]}.geojson")
    assert len(open_archive(tmp_path / "war.gpkg").reader.snapshots()) == 3


def test_one_address_whose_file_changes(server: Server, tmp_path: Path) -> None:
    address = replace(
        seeds_address(server, way="file", url=server.url + "/now", name="now.geojson", date="last-modified")
    )
    served = [(seed(DAYS[0]), "Tue, 10 Sep 2024 20:00:00 GMT"), (seed(DAYS[1]), "Tue, 01 Oct 2024 20:00:00 GMT")]
    told = []
    for body, at in (served[0], served[0], served[1]):
        server.give("/now", Answer(body, headers={"Last-Modified": at}))
        told.append(fetch_new(tmp_path / "war.gpkg", "seeds", address=address, contact=WHO).files[0].outcome)
    assert told == ["new", "unchanged", "corrected"]
    depicts = open_archive(tmp_path / "war.gpkg").reader.snapshots()["depicts"]
    assert sorted(depicts) == ["2024-09-10T20:00:00.000Z", "2024-10-01T20:00:00.000Z"]


BAD = {
    "not found": Answer(b"", 404),
    "always 500": Answer(b"", 500),
    "silence": Answer(how="silent"),
    "truncation": Answer(seed(DAYS[1]), how="truncated"),
    "error page": Answer(b"<html>sorry</html>"),
    "half, and nobody says so": Answer(seed(DAYS[1])[:900] + b"}"),
    "another kind of JSON": Answer(b'{"message": "rate limited"}'),
    "no features": Answer(b'{"type": "FeatureCollection", "features": []}'),
    "endless": Answer(how="endless"),
    "bomb": Answer(bytes(6 << 20), how="gzip"),
    "circle": Answer(status=302, headers={"Location": f"/{DAYS[1]}.geojson"}),
    "another host": Answer(status=302, headers={"Location": "https://example.org/"}),
    "private host": Answer(status=302, headers={"Location": "http://10.0.0.1/"}),
}


@pytest.mark.parametrize("name", BAD)
def test_after_a_fault_the_archive_is_whole_and_the_next_run_catches_up(
    name: str, server: Server, tmp_path: Path
) -> None:
    archive, address = tmp_path / "war.gpkg", seeds_address(server)
    server.give(f"/{DAYS[1]}.geojson", BAD[name])
    done = fetch_new(archive, "seeds", address=address, **SPAN)
    there = outcomes(done)
    assert there.pop(DAYS[1], "missing") in ("failed", "refused", "missing")
    assert there == {DAYS[0]: "new", DAYS[2]: "new"}
    assert contents(archive) == told_by_hand(DAYS[0], DAYS[2])
    assert not leftovers(tmp_path)
    server.give(f"/{DAYS[1]}.geojson", seed(DAYS[1]))
    healed = fetch_new(archive, "seeds", address=address, **SPAN)
    assert outcomes(healed)[DAYS[1]] in ("new", "corrected")
    assert contents(archive) == told_by_hand(*DAYS)


@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("where", ["import_files", "write_page"])
def test_cut_off_at_any_step_the_next_run_goes_on(
    where: str, cut: int, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, address, calls = tmp_path / "war.gpkg", seeds_address(server), []
    honest = getattr(fetching, where)

    def cut_off(*given: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == cut:
            raise KeyboardInterrupt
        return honest(*given, **more)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(fetching, where, cut_off)
        fetch_new(archive, "seeds", address=address, **SPAN)
    assert fetch_new(archive, "seeds", address=address, **SPAN).count("failed", "refused") == 0
    assert contents(archive) == told_by_hand(*DAYS)
    assert sorted(p.name for p in (tmp_path / "war.files").rglob("*.geojson")) == [f"{d}.geojson" for d in DAYS]


def test_a_source_that_fails_again_and_again_is_left_in_peace(server: Server, tmp_path: Path) -> None:
    address = replace(seeds_address(server), limits=replace(QUICK, attempts=1))
    for day in range(10, 31):
        server.give(f"/2024-09-{day}.geojson", Answer(b"", 500))
    done = fetch_new(
        tmp_path / "war.gpkg", "seeds", address=address, since="2024-09-10", until="2024-09-30", contact=WHO
    )
    assert done.count("failed") == 21
    assert len(server.asked) == 3
    # a month later they are still owed: found, or found not to be there
    for day in range(10, 31):
        server.give(f"/2024-09-{day}.geojson", Answer(b"", 404))
    server.give(f"/{DAYS[0]}.geojson", seed(DAYS[0]))
    late = {**SPAN, "since": "2024-10-20", "until": "2024-10-20"}
    done = fetch_new(tmp_path / "war.gpkg", "seeds", address=address, **late)
    assert outcomes(done) == {DAYS[0]: "new", DAYS[2]: "new"}
    assert done.count("missing") == 20
    assert len(fetch_new(tmp_path / "war.gpkg", "seeds", address=address, **late).files) == 1


def test_a_damaged_record_says_what_to_do_and_a_held_one_waits_for_nobody(server: Server, tmp_path: Path) -> None:
    archive, address = tmp_path / "war.gpkg", seeds_address(server)
    folder = tmp_path / "war.files" / "seeds"
    with locked(folder / ".lock", "another"), pytest.raises(BusyError, match="in hand"):
        fetch_new(archive, "seeds", address=address, **SPAN)
    folder.mkdir(parents=True)
    (folder / ".fetched.json").write_text("[1")
    with pytest.raises(FetchError, match=r"damaged.*delete it"):
        fetch_new(archive, "seeds", address=address, **SPAN)
    (folder / ".fetched.json").unlink()
    assert fetch_new(archive, "seeds", address=address, **SPAN).count("new") == 3
    (folder / f"{DAYS[1]}.geojson").unlink()  # somebody tidied up
    assert fetch_new(archive, "seeds", address=address, **SPAN).count("failed", "refused") == 0
    assert (folder / f"{DAYS[1]}.geojson").read_bytes() == seed(DAYS[1])


# -- lists ---------------------------------------------------------------------------------------------------------


def listed(server: Server, entries: Any, **more: Any) -> Address:
    server.give("/list", entries if isinstance(entries, bytes) else json.dumps(entries).encode())
    return seeds_address(server, way="index", index=server.url + "/list", url=server.url + "/{id}.geojson",
                         name="{id}.geojson", date="createdAt", changed="updatedAt", **more)  # fmt: skip


def entry(day: str, **more: Any) -> dict[str, Any]:
    return {"id": day, "createdAt": f"{day}T18:00:00.000Z", "updatedAt": f"{day}T18:00:00.000Z", **more}


def test_of_a_list_only_the_span_is_fetched_and_again_only_what_it_marks_as_changed(
    server: Server, tmp_path: Path
) -> None:
    entries = [entry(day) for day in DAYS]
    archive = tmp_path / "war.gpkg"
    done = fetch_new(archive, "seeds", address=listed(server, entries), since=DAYS[1], until=DAYS[2], contact=WHO)
    assert outcomes(done) == {DAYS[1]: "new", DAYS[2]: "new"}
    server.asked.clear()
    entries[2]["updatedAt"] = "2024-11-01T00:00:00Z"
    server.give(f"/{DAYS[2]}.geojson", seed(DAYS[0]))
    done = fetch_new(archive, "seeds", address=listed(server, entries), **SPAN)
    assert outcomes(done) == {DAYS[0]: "new", DAYS[1]: "unchanged", DAYS[2]: "corrected"}
    assert server.count(f"/{DAYS[1]}.geojson") == 0


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (b'{"error": "closed"}', "no list of entries"),
        (b"[1, 2]", "no list of entries"),
        ([{"id": 1, "date": "2024-09-10"}], "no entry has a createdAt"),
        ([entry(DAYS[0], id="../../etc/passwd")], "no plain word"),
        ([entry(DAYS[0], id="..")], "no name"),
        ([entry(DAYS[0], id="x?y=1#")], "no plain word"),
        ([entry(DAYS[0], id="@example.org/")], "no plain word"),
        ([entry(DAYS[0], id=None)], "no plain word"),
        ([entry(DAYS[0], id={"a": 1})], "no plain word"),
        (b"<html>", "HTML page"),
        (b"[[[", "instead of json"),
        (b"[,]", "no JSON"),
    ],
)
def test_a_list_that_is_another_is_refused(entries: Any, words: str, server: Server, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=words):
        fetch_new(tmp_path / "war.gpkg", "seeds", address=listed(server, entries), **SPAN)
    assert not (tmp_path / "war.gpkg").exists()
    assert not leftovers(tmp_path)


def test_without_since_the_last_week_is_asked_for(server: Server, tmp_path: Path) -> None:
    address = seeds_address(server)
    first = fetch_new(tmp_path / "war.gpkg", "seeds", address=address, until="2024-10-03", contact=WHO)
    assert (first.since[:10], first.until[:10]) == ("2024-09-26", "2024-10-03")
    second = fetch_new(tmp_path / "war.gpkg", "seeds", address=address, until="2024-10-21", contact=WHO)
    assert second.since[:10] == "2024-09-24"
    assert outcomes(second) == {DAYS[1]: "unchanged", DAYS[2]: "new"}
    with pytest.raises(UsageError, match="is after"):
        fetch_new(tmp_path / "war.gpkg", "seeds", address=address, since="2025-01-01", until="2024-10-21", contact=WHO)


@given(st.text(max_size=40), st.sampled_from(["{id}", "a/{id}/b", "{id}.json?x={id}"]))
def test_a_list_never_leads_to_another_host(value: str, tail: str) -> None:
    try:
        url = filled("https://source.example/files/" + tail, {"id": value})
    except UsageError:
        return
    assert httpx.URL(url).host == "source.example"
    assert httpx.URL(url).path.startswith("/files/")


# -- the sources' own ways, with their real files --------------------------------------------------------------------


def known(server: Server, source: str, index: str = "", url: str = "") -> Address:
    return replace(find_address(source), index=server.url + index, url=server.url + url, loopback=True, limits=QUICK)


def test_deepstate_by_its_list(shared: Path, server: Server, tmp_path: Path) -> None:
    files = [
        shared / "deepstate-raw" / f"{n}.geojson"
        for n in sorted(p.stem for p in (shared / "deepstate-raw").glob("1736*"))[-3:]
    ]
    at = [datetime.fromtimestamp(int(f.stem), UTC).isoformat().replace("+00:00", ".000Z") for f in files]
    server.give("/public", json.dumps([{"id": int(f.stem), "createdAt": t, "updatedAt": t, "status": True,
                                        "descriptionEn": "<a href='x'>text</a>"} for f, t in zip(files, at, strict=True)]).encode())  # fmt: skip
    for file in files:
        server.give(f"/history/{file.stem}/geojson", Answer(file.read_bytes(), how="gzip"))
    done = fetch_new(
        tmp_path / "war.gpkg", "deepstate", address=known(server, "deepstate", "/public", "/history/{id}/geojson"),
        since=at[0][:10], until=at[-1][:10], contact=WHO,
    )  # fmt: skip
    assert done.count("new") == 3
    import_files(tmp_path / "hand.gpkg", "deepstate", files)
    assert contents(tmp_path / "war.gpkg") == contents(tmp_path / "hand.gpkg")


@pytest.mark.parametrize(
    ("source", "folder", "url", "names"),
    [
        ("deepstate-mirror", "deepstate-mirror", "/deepstatemap_data_{day:%Y%m%d}.geojson",
         ["deepstatemap_data_20240708.geojson", "deepstatemap_data_20240709.geojson", "deepstatemap_data_20240710.geojson"]),
        ("nzz", "nzz", "/getAreas?a=b&to={day:%Y-%m-%d}", ["2024-08-01.json", "2024-08-03.json", "2024-08-07.json"]),
    ],
)  # fmt: skip
def test_a_file_a_day(
    source: str, folder: str, url: str, names: list[str], shared: Path, server: Server, tmp_path: Path
) -> None:
    files = [shared / folder / name for name in names]
    for file in files:
        server.give(url.replace("{day:%Y%m%d}", file.stem[-8:]).replace("{day:%Y-%m-%d}", file.stem), file.read_bytes())
    span = ("2024-07-08", "2024-07-10") if source == "deepstate-mirror" else ("2024-08-01", "2024-08-07")
    address = replace(known(server, source, url=url), limits=QUICK)
    done = fetch_new(tmp_path / "war.gpkg", source, address=address, since=span[0], until=span[1], contact=WHO)
    assert done.count("new") == 3
    assert done.count("failed", "refused") == 0
    import_files(tmp_path / "hand.gpkg", source, files)
    assert contents(tmp_path / "war.gpkg") == contents(tmp_path / "hand.gpkg")


SQUARE = {"type": "Polygon", "coordinates": [[[36.0, 50.0], [37.0, 50.0], [37.0, 51.0], [36.0, 50.0]]]}


class Service(Server):
    """A feature service with pages of two features, as Esri describes one."""

    edited = 1736640000000
    edits_while_read = False

    def answer_to(self, path: str) -> Answer:
        split = urlsplit(path)
        asked = {key: value[0] for key, value in parse_qs(split.query).items()}
        if not split.path.endswith("/query"):
            return Answer(
                json.dumps({"name": "x", "objectIdField": "FID", "editingInfo": {"lastEditDate": self.edited}}).encode()
            )
        start = int(asked["resultOffset"])
        if self.edits_while_read:
            self.edited += 1000
        features = [
            {"type": "Feature", "geometry": SQUARE, "properties": {asked["outFields"]: n}}
            for n in range(start, min(start + 2, 5))
        ]
        return Answer(json.dumps({"type": "FeatureCollection", "features": features,
                                  "properties": {"exceededTransferLimit": start + 2 < 5}}).encode())  # fmt: skip


def test_a_feature_service_is_read_page_by_page_and_dated_by_its_last_edit(tmp_path: Path) -> None:
    with Service() as service:
        address = replace(known(service, "isw"), layers=(Layer("control", "Control/FeatureServer/49"),))
        done = fetch_new(
            tmp_path / "war.gpkg", "isw", address=address, since="2025-01-11", until="2025-01-12", contact=WHO
        )
        assert [file.outcome for file in done.files] == ["new"]
        document = json.loads(Path(done.files[0].path).read_bytes())
        assert [f["properties"] for f in document["features"]] == [{"FID": n} for n in range(5)]
        row = open_archive(tmp_path / "war.gpkg").reader.snapshots().iloc[0]
        assert (row["part"], row["depicts"], row["published"]) == ("control", *["2025-01-12T00:00:00.000Z"] * 2)
        again = fetch_new(
            tmp_path / "war.gpkg", "isw", address=address, since="2025-01-11", until="2025-01-12", contact=WHO
        )
        assert again.summary() == "nothing new (1 as before)"
        service.edited += 3_600_000
        service.edits_while_read = True
        torn = fetch_new(
            tmp_path / "war.gpkg", "isw", address=address, since="2025-01-11", until="2025-01-12", contact=WHO
        )
        assert "edited while it was read" in torn.files[0].error
        assert len(open_archive(tmp_path / "war.gpkg").reader.snapshots()) == 1
        assert not leftovers(tmp_path)


@pytest.mark.parametrize(("reply", "words"), [({"error": {"code": 400, "message": "Invalid URL"}}, r"Invalid URL \(400\)"),
                                              ({"name": "x"}, "does not say when it was last edited"), ([1], "no description")])  # fmt: skip
def test_a_feature_service_that_answers_an_error_with_200(
    reply: Any, words: str, server: Server, tmp_path: Path
) -> None:
    server.give("/L/FeatureServer/1", json.dumps(reply).encode())
    address = replace(known(server, "isw"), layers=(Layer("control", "L/FeatureServer/1"),))
    (dead,) = fetch_new(tmp_path / "war.gpkg", "isw", address=address, contact=WHO).files
    assert dead.outcome == "failed"
    assert "control (L/FeatureServer/1)" in dead.name
    assert re.search(words, dead.error)


KML = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>ru</name><Placemark><name>RU control</name>
<Polygon><outerBoundaryIs><LinearRing><coordinates>36,50 37,50 37,51 36,50</coordinates></LinearRing></outerBoundaryIs>
</Polygon></Placemark></Folder></Document></kml>"""


def test_backups_by_the_list_of_a_folder_a_year(server: Server, tmp_path: Path) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", KML)
    names = {"2024": ["241230_0349.kmz", "README.md"], "2025": ["250103_0000.kmz", "250201_0349.kmz"]}
    for year, listed_names in names.items():
        server.give(
            f"/contents/{year}?ref=master",
            json.dumps(
                [{"name": n, "sha": "1" * 40, "download_url": "https://evil.example/x"} for n in listed_names]
            ).encode(),
        )
        for name in listed_names:
            server.give(f"/{year}/{name}", packed.getvalue())
    address = known(server, "uacontrolmap", "/contents/{year}?ref=master", "/{year}/{name}")
    done = fetch_new(
        tmp_path / "war.gpkg", "uacontrolmap", address=address, since="2024-12-30", until="2025-01-04", contact=WHO
    )
    assert {file.name: file.outcome for file in done.files} == {"241230_0349.kmz": "new", "250103_0000.kmz": "new"}
    depicts = open_archive(tmp_path / "war.gpkg").reader.snapshots()["depicts"]
    assert sorted(depicts.str[:10]) == ["2024-12-30", "2025-01-03"]


# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", known_addresses().values(), ids=lambda a: a.source)
def test_every_known_address_is_https_says_where_it_is_known_from_and_whom_to_credit(address: Address) -> None:
    assert address.url.startswith("https://")
    assert not address.loopback
    assert address.seen
    credit = reader(address.reader).source
    assert credit.licence
    assert credit.attribution


TABLE = {"reader": "vector", "way": "days", "url": "https://example.org/{day}.geojson", "name": "{day}.geojson"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"urls": "x"}, "'urls' means nothing here"),
        ({"url": 3}, "a text in quotation marks"),
        ({"way": "daily"}, "one of index, days, layers, file"),
        ({"way": "index"}, "lacks index, date"),
        ({"url": "http://example.org/{day}"}, "only https"),
        ({"url": "https://{host}/x"}, "the host may not depend"),
        ({"url": "https://example.org{day}/x"}, "the host may not depend"),
        ({"reader": "word"}, "reader 'word'"),
        ({"kind": "csv"}, "kind 'csv'"),
        ({"recheck_days": -1}, "recheck_days is -1"),
        ({"recheck_days": True}, "recheck_days is True"),
        ({"loopback": "yes"}, "true or false"),
        ({"limits": {"bytes": 1}}, "limits: a table"),
        ({"limits": {"attempts": 0}}, "limits.attempts is 0"),
        ({"way": "file", "name": "../x"}, "a plain file name"),
        ({"way": "file", "name": "x.geojson", "date": "yesterday"}, "name, retrieved or last-modified"),
        ({"way": "layers", "layers": [{"part": "a", "layer": "../b"}]}, "plain words"),
        ({"way": "layers", "layers": ["b"]}, "a list of tables"),
        ({"way": "layers", "layers": [{"part": "a"}]}, "plain words"),
        ({"way": "layers", "layers": [{"part": "a", "find": "("}]}, "missing"),
        ({"way": "layers", "layers": [{"part": "a", "layer": "b", "depicts": "once"}]}, "cannot be read"),
        ({"way": "layers", "layers": [{"part": "a", "layer": "b", "date": "a, b); --"}]}, "plain words"),
        ({"step": "week"}, "one of day, month, year"),
        ({"first": "2022-02-24"}, "without quotation marks"),
        ({"first_page": -1}, "first_page is -1"),
        ({"login": {"account": "a"}}, "either header or url"),
        ({"login": {"account": "a b", "header": "x"}}, "plain words"),
        ({"login": {"account": "a", "url": "http://example.org/token"}}, "only https"),
        ({"history": {"history": {}}}, "for the past"),
        ({"history": {"way": "weekly"}}, "history way 'weekly'"),
    ],
)
def test_a_wrong_table_is_named_with_what_is_wanted(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_address({**TABLE, **change}, name="x", where="f.toml: [fetch]")


def test_an_address_of_ones_own_carries_columns_and_credits(server: Server, tmp_path: Path) -> None:
    config = tmp_path / "ours.toml"
    config.write_text(
        f'[fetch]\nway = "days"\nurl = "{server.url}/{{day}}.geojson"\nname = "{{day}}.geojson"\nloopback = true\n'
        '[fetch.limits]\npause_seconds = 0\nattempts = 1\n[source]\nname = "ours"\nlicence = "CC0"\nattribution = "we"\n'
    )
    address = find_address("vector", config=config)
    assert (address.source, address.reader, address.limits.attempts) == ("ours", "vector", 1)
    done = CliRunner().invoke(
        main, ["fetch", str(tmp_path / "war.gpkg"), "vector", "--config", str(config), "--since", DAYS[0], "--until", DAYS[2],
               "--contact", WHO],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "ours: CC0. Credit: we" in done.output
    assert "ours, 2024-09-10 to 2024-10-20: 3 new, 38 not there" in done.output
    assert list(open_archive(tmp_path / "war.gpkg").sources()["name"]) == ["ours", "units"]


def test_the_command_line_asks_for_a_contact_and_shows_before_it_fetches(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "ours.toml"
    config.write_text(f'[fetch]\nurl = "{server.url}/{DAYS[0]}.geojson"\nname = "{DAYS[0]}.geojson"\nloopback = true\n')
    archive = str(tmp_path / "war.gpkg")
    monkeypatch.delenv("GEO_CONTACT", raising=False)
    done = CliRunner().invoke(main, ["fetch", archive, "vector", "--config", str(config)])
    assert done.exit_code == 2
    assert "--contact" in done.output
    done = CliRunner().invoke(
        main, ["fetch", archive, "vector", "--config", str(config), "--dry-run"], env={"GEO_CONTACT": WHO}
    )
    assert done.exit_code == 0, done.output
    assert "1 offered" in done.output
    assert not server.asked
    assert not os.path.exists(archive)
    server.give(f"/{DAYS[0]}.geojson", b"<html>")
    done = CliRunner().invoke(
        main, ["fetch", archive, "vector", "--config", str(config), "--format", "json"], env={"GEO_CONTACT": WHO}
    )
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert [file["outcome"] for file in told["files"]] == ["failed"]


def test_there_is_no_address_for_a_word_and_no_file_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no address is known for 'gdelt'; there are: deepstate, deepstate-mirror"):
        find_address("gdelt")
    with pytest.raises(FileError):
        find_address("vector", config=tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text('date = "2025-01-11"\n')
    assert find_address("nzz", config=tmp_path / "a.toml").options == Options(date="2025-01-11")
