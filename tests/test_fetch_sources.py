"""Every source that has an address, each by one command against recorded answers; dead parts, history, accounts."""

from __future__ import annotations

import json
import logging
import ssl
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import pytest
import recorded_sources as recorded
import shapely
import trustme
from address_server import QUICK, Answer, Server
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded_sources import FeatureServices, Recorded, as_csv, as_json, as_zip, collection, layer, square

import geo
from geo.automation import addresses
from geo.automation.addresses import Account, Layer, find_address, known_addresses
from geo.automation.network import Network
from geo.automation.offers import offered, write_layer
from geo.cli import main
from geo.errors import FetchError

WHO = "desk@example.org"
BEGIN = datetime(2022, 2, 24, tzinfo=UTC)
ISW, EYES = "services5.arcgis.com", "services-eu1.arcgis.com"
SECRETS = {
    "GEO_ACLED_USER": "desk@example.org",
    "GEO_ACLED_PASSWORD": "swordfish & co",
    "GEO_UCDP_TOKEN": "abcdef123456",
}
KML = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>ru</name><Placemark><name>RU control</name>
<Polygon><outerBoundaryIs><LinearRing><coordinates>36,50 37,50 37,51 36,50</coordinates></LinearRing></outerBoundaryIs>
</Polygon></Placemark></Folder></Document></kml>"""
DEEPSTATE = collection(({**square(36.0, 48.0)}, {"name": "Окуповано /// Occupied /// geoJSON.status.occupied",
                                                "fill": "#a52714", "stroke": "#a52714"}))  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    for name in (*SECRETS, "GEO_PROXY", "GEO_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEO_CONTACT", WHO)
    with Recorded() as running:
        monkeypatch.setattr(addresses, "known_addresses", running.addresses)
        running.hosts[ISW] = recorded.isw()
        yield running


def fetch(archive: Path, *args: str, exits: int = 0) -> str:
    done = CliRunner().invoke(main, ["fetch", str(archive), *args])
    assert done.exit_code == exits, done.output
    return done.output


def fetched(archive: Path, *args: str, exits: int = 0) -> list[dict[str, Any]]:
    output = fetch(archive, *args, "--format", "json", exits=exits)
    return list(json.loads(output[output.index("{") : output.rindex("}") + 1])["files"])


# -- each source by one command --------------------------------------------------------------------------------------


def deepstate(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    if path == "api/history/public":
        at = "2026-08-01T18:00:00.000Z"
        return as_json([{"id": 1785607200, "createdAt": at, "updatedAt": at, "datetime": at, "status": True}])
    return as_json(DEEPSTATE) if path == "api/history/1785607200/geojson" else recorded.NOT_THERE


def github(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    mirror = "cyterat/deepstate-map-data/main/data/deepstatemap_data_20260801.geojson"
    if path == mirror:
        return as_json(collection((square(36.0, 48.0), {})))
    if path == "zhukovyuri/VIINA/main/Data/gn_UA_tess.geojson":
        places = [{"geonameid": n, "name": f"Place {n}", "latitude": 48.5, "longitude": 37.5 + n / 100} for n in (1, 2)]
        return as_json(collection(*((square(37.0 + place["geonameid"], 48.0), place) for place in places)))
    backups = "repos/owlmaps/UAControlMapBackups/contents/2026"
    if path == backups:
        return as_json([{"name": "260801_0601.kmz", "sha": "1" * 40}])
    is_file = path == "owlmaps/UAControlMapBackups/master/2026/260801_0601.kmz"
    return Answer(as_zip("doc.kml", KML.encode())) if is_file else recorded.NOT_THERE


def nzz(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    about = {"type": "nochange", "date": "2026-08-01", "_datefrom": "2026-07-30", "_dateto": "2026-08-01"}
    return (
        as_json({"value": collection((square(36.0, 48.0), about))})
        if query["to"] == "2026-08-01"
        else recorded.NOT_THERE
    )


def viina(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    if path.endswith("control_latest_2026.zip"):
        votes = dict.fromkeys(("status_wiki", "status_boost", "status_dsm", "status_isw", "status"), "RU")
        told = [{"geonameid": n, "date": f"2026080{day}"} | votes for n in (1, 2) for day in (1, 2)]
        return Answer(as_zip("control_latest_2026.csv", as_csv(told)))
    rows = [recorded.viina_row(n, "2026-08-01") for n in (1, 2)]
    return (
        Answer(as_zip("event_1pd_latest_2026.csv", as_csv(rows)))
        if path.endswith("event_1pd_latest_2026.zip")
        else recorded.NOT_THERE
    )


def candidate(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    if not path.endswith("GEDEvent_v26_0_8.csv"):
        return recorded.NOT_THERE
    return Answer(as_csv([recorded.ged_row(n, "2026-08-01") for n in (1, 2, 3)]))


def confirmed(path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
    assert (query["start"], query["end"]) == ("2026-08-01T00:00:00Z", "2026-09-01T00:00:00Z")
    rows = [recorded.confirmed_row(f"id{n}", "2026-08-01") for n in (1, 2)]
    return Answer(as_csv(rows, ";", "\ufeff"))


@dataclass
class Acled:
    """ACLED's server: tokens for a name and a password, which end; pages of two rows."""

    rows: int = 5
    lasts: float = 86400.0
    given: int = 0
    refuses: Answer | None = None
    held: Any = None

    def __call__(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if headers.get("Authorization") != f"Bearer token-{self.given}-of-the-account":
            return as_json({"message": "The resource owner or authorization server denied the request."}, 401)
        if self.refuses is not None:
            return self.refuses
        begin = 2 * (int(query["page"]) - 1)
        listed = [
            recorded.acled_row(n, query["event_date"][:10]) for n in range(begin + 1, min(begin + 2, self.rows) + 1)
        ]
        about = {"data_query_restrictions": self.held} if self.held else {}
        return as_json({"status": 200, "success": True, "count": len(listed), "data": listed, "messages": [], **about})

    def post(self, path: str, form: dict[str, str]) -> Answer:
        good = form["client_id"] == "acled" and (
            form.get("password") == SECRETS["GEO_ACLED_PASSWORD"]
            or form.get("refresh_token") == f"refresh-{self.given}-of-the-account"
        )
        if not good:
            return as_json({"error": "invalid_grant", "message": f"Invalid credentials {form.get('password')}"}, 400)
        self.given += 1
        return as_json({"token_type": "Bearer", "expires_in": self.lasts, "access_token": f"token-{self.given}-of-the-account",
                        "refresh_token": f"refresh-{self.given}-of-the-account"})  # fmt: skip


def ucdp(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
    if headers.get("x-ucdp-access-token") != SECRETS["GEO_UCDP_TOKEN"]:
        return as_json({"message": "API token required. Add header: x-ucdp-access-token"}, 401)
    page = int(query["page"])
    rows = [recorded.ged_row(10 * page + n, "2025-08-01") for n in (1, 2)] if query["StartDate"] == "2025-01-01" else []
    return as_json({"TotalCount": 4, "TotalPages": 2, "PreviousPageUrl": "", "Result": rows,
                    "NextPageUrl": "http://169.254.169.254/latest/meta-data" if page == 0 else ""})  # fmt: skip


def login(server: Recorded, monkeypatch: pytest.MonkeyPatch, acled: Acled) -> Acled:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    server.hosts["acleddata.com"] = acled
    monkeypatch.setattr(server, "answer_to_post", acled.post)
    return acled


HOSTS: dict[str, recorded.Host] = {
    "deepstatemap.live": deepstate, "raw.githubusercontent.com": github, "api.github.com": github,
    "q-server.st-cdn.nzz.ch": nzz, "media.githubusercontent.com": viina, "ucdp.uu.se": candidate,
    "geoconfirmed.org": confirmed, "ucdpapi.pcr.uu.se": ucdp,
    EYES: FeatureServices({"EoR_completed_entries/FeatureServer/0": layer(
        *(recorded.eyes_row(n, datetime(2026, 8, 1, 12, tzinfo=UTC)) for n in (1, 2, 3)))}),
    "bellingcat-embeds.ams3.cdn.digitaloceanspaces.com": lambda *_: as_json(recorded.BELLINGCAT),
}  # fmt: skip
AUGUST = ("--since", "2026-08-01", "--until", "2026-08-02")
# source -> (what is asked, the snapshots or incidents that come)
COMES: dict[str, tuple[tuple[str, ...], int]] = {
    "deepstate": (AUGUST, 1), "deepstate-mirror": (AUGUST, 1), "nzz": (AUGUST, 1), "uacontrolmap": (AUGUST, 1),
    "isw": (AUGUST, 5), "acled": (AUGUST, 5), "ucdp-ged": (("--since", "2025-12-01", "--until", "2025-12-31"), 4),
    "ucdp-candidate": (AUGUST, 3), "viina": (AUGUST, 2), "geoconfirmed": (AUGUST, 2), "eyes-on-russia": ((), 3),
    "bellingcat": ((), 1), "viina-control": (AUGUST, 2),
}  # fmt: skip


@pytest.mark.parametrize("source", COMES)
def test_a_source_comes_in_by_one_command_and_then_nothing_is_new(
    source: str, server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hosts |= HOSTS
    login(server, monkeypatch, Acled())
    asked, comes = COMES[source]
    archive = tmp_path / "war.gpkg"
    output = fetch(archive, source, *asked)
    assert "refused" not in output.replace("0 refused", "")
    opened = geo.open_archive(archive)
    kind = geo.sources.reader(source).kind
    ways = {"control": opened.snapshots, "settlements": opened.settlements, "incidents": opened.incidents}
    got = ways[kind]()
    assert len(got) == comes
    if kind == "incidents":
        assert set(got["dataset"]) == {source}
        assert (got["latitude"].sub(50.2878).abs() < 1e-9).all()
        assert set(got["date_start"].dt.strftime("%Y-%m")) <= {"2026-08", "2025-08"}
    said = [file["outcome"] for file in fetched(archive, source, *asked)]
    assert set(said) <= {"unchanged", "missing"}


def test_without_the_file_that_says_where_places_lie_none_is_read(server: Recorded, tmp_path: Path) -> None:
    server.hosts |= HOSTS
    server.broken["gn_UA_tess"] = Answer(b"", 404)
    archive = tmp_path / "war.gpkg"
    assert "cannot be read" in fetch(archive, "viina-control", *AUGUST, exits=1)
    assert not archive.exists()
    server.broken.clear()
    fetch(archive, "viina-control", *AUGUST)
    assert geo.open_archive(archive).settlements()["controller"].tolist() == ["RU", "RU"]


def test_every_address_is_among_those_that_come() -> None:
    assert set(COMES) == set(known_addresses())
    assert len(COMES) >= 12
    assert set(addresses.known_addresses()) <= set(geo.sources.KNOWN)
    text = "".join(CliRunner().invoke(main, ["fetch", "--help"]).output.split())
    assert all(name in text for name in COMES)


# -- dead parts, states of now, names by pattern -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        as_json({"error": {"code": 499, "message": "Token Required"}}),
        Answer(b"", 404),
        Answer(b"{half"),
        Answer(b"", 500),
    ],
    ids=["error with 200", "404", "broken", "500"],
)
def test_a_dead_layer_costs_that_layer(fault: Answer, server: Recorded, tmp_path: Path) -> None:
    server.broken["ClaimedRussianTerritory"] = fault
    files = fetched(tmp_path / "war.gpkg", "isw", exits=1)
    assert sorted(file["outcome"] for file in files) == ["failed", *["new"] * 4]
    (dead,) = (file for file in files if file["outcome"] == "failed")
    assert "claimed (VIEW_ClaimedRussianTerritoryinUkraine_V2" in dead["name"]
    assert dead["error"]
    parts = set(geo.open_archive(tmp_path / "war.gpkg").reader.snapshots()["part"])
    assert parts == {"control", "advance", "counteroffensive", "infiltration"}
    server.broken.clear()
    assert {file["outcome"] for file in fetched(tmp_path / "war.gpkg", "isw")} == {"new", "unchanged"}


def test_a_dead_list_of_a_year_costs_that_year(server: Recorded, tmp_path: Path) -> None:
    server.hosts |= HOSTS
    files = fetched(tmp_path / "war.gpkg", "uacontrolmap", "--since", "2025-12-30", "--until", "2026-08-02", exits=1)
    assert {file["name"]: file["outcome"] for file in files} == {"260801_0601.kmz": "new", "the list of 2025": "failed"}


def test_a_state_of_now_is_had_however_long_ago_it_was_edited(server: Recorded, tmp_path: Path) -> None:
    files = fetched(tmp_path / "war.gpkg", "isw", "--since", "2026-11-20")
    assert [file["outcome"] for file in files] == ["new"] * 5
    assert fetched(tmp_path / "old.gpkg", "isw", "--until", "2026-07-01") == []  # a map of a later day is none of July


def test_of_several_services_of_a_name_the_one_last_edited_counts(server: Recorded, tmp_path: Path) -> None:
    fetch(tmp_path / "war.gpkg", "isw")
    areas = geo.open_archive(tmp_path / "war.gpkg").area("2026-08-01T04:00Z", status="advance")
    newest = gpd.GeoSeries([shapely.geometry.shape(square(36.7, 48.0, 0.2))], crs=4326)
    assert areas["area_km2"].sum() == pytest.approx(geo.area_km2(newest).item(), rel=1e-6)


def test_without_the_list_of_services_the_known_layers_are_asked(server: Recorded, tmp_path: Path) -> None:
    server.broken["rest/services?f=json"] = Answer(b"", 404)
    files = fetched(tmp_path / "war.gpkg", "isw", exits=1)
    assert sorted(file["outcome"] for file in files) == ["failed", *["new"] * 4]
    (dead,) = (file for file in files if file["outcome"] == "failed")
    assert dead["name"].startswith("advance (MDS_")  # that one has been renamed since


_LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-1, 10**16)
    | st.text(max_size=5)
    | st.sampled_from(["datetime", "../x", "A"])
)
_NAMES = ("services", "name", "layers", "id", "geometryType", "fields", "type", "editingInfo", "lastEditDate", "features",
          "attributes", "properties", "exceededTransferLimit", "error", "objectIdField", "datetime")  # fmt: skip
_KEYS = st.sampled_from(_NAMES)
_SMALL = _LEAF | st.lists(_LEAF, max_size=2) | st.dictionaries(_KEYS, _LEAF, max_size=2)
ANSWERS = _SMALL | st.lists(_SMALL, max_size=2) | st.dictionaries(_KEYS, _SMALL, max_size=2)


@settings(max_examples=60)
@given(st.data())
def test_whatever_a_service_answers_it_is_read_or_told(data: st.DataObject) -> None:
    asked = []

    class Said:
        def read_json(self, url: str, folder: Path) -> Any:
            asked.append(url)
            whole = {"fields": [{"name": "datetime"}], "editingInfo": {"lastEditDate": 1785607200000}}
            known = {**whole, "services": [{"name": "A_2026"}], "layers": [{"id": 1}], "features": [], "properties": {}}
            return known | {data.draw(st.sampled_from([*known, "error"])): data.draw(ANSWERS)}

    layers = (
        Layer(part="a", layer="A/FeatureServer/0"),
        Layer(part="b", find="a"),
        Layer(part="c", find="a", date="datetime"),
    )
    address = replace(find_address("isw"), layers=layers)
    span = {"since": BEGIN, "until": datetime(2026, 12, 1, tzinfo=UTC)}
    found = offered(Said(), address, **span, folder=Path())  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        for one in islice((one for one in found if one.query), 3):
            with suppress(FetchError):
                write_layer(Said(), one, one.query, Path(folder, "a"))  # type: ignore[arg-type]
    assert all(url.startswith(address.url) and ".." not in url for url in asked)


# -- history ---------------------------------------------------------------------------------------------------------

FEB_TO_DEC = "UkrainianCoTTimelapse_FEB_2022_to_DEC_2024_view/FeatureServer/0"


def timelapse(days: int, **more: Any) -> FeatureServices:
    return recorded.isw(**{
        "VIEW_Russian_controlled_Ukrainian_Territory_before_February_24_2022/FeatureServer/36": layer(square(34.0, 45.0)),
        FEB_TO_DEC: recorded.daily_layer(BEGIN, days), **more,
    })  # fmt: skip


def months() -> dict[str, Any]:
    """Services of single months; one overlaps the long one, and one of a later month is known by no table."""
    return {
        "JAN2025Timelapse_Ukraine_Russia_War/FeatureServer/1": recorded.daily_layer(datetime(2022, 3, 1, tzinfo=UTC), 4),
        "May_CoT_view/FeatureServer/0": recorded.daily_layer(datetime(2026, 5, 1, tzinfo=UTC), 2, name="pub_date", day_only=True),
        "Ukraine_Timelapse_July_2026_WFL1/FeatureServer/7": recorded.daily_layer(datetime(2026, 7, 1, tzinfo=UTC), 2),
        "Gaza_Timelapse_2026/FeatureServer/7": recorded.daily_layer(datetime(2026, 6, 1, tzinfo=UTC), 2),
    }  # fmt: skip


def days_of(archive: Path) -> list[str]:
    kept = geo.open_archive(archive).reader.snapshots()
    assert set(kept["part"]) == {"control"}
    return [str(at)[:10] for at in kept["depicts"]]


def test_history_takes_each_day_of_all_services_once(server: Recorded, tmp_path: Path) -> None:
    server.hosts[ISW] = timelapse(8, **months())
    files = fetched(tmp_path / "war.gpkg", "isw", "--history", exits=1)
    dead = [file["name"] for file in files if file["outcome"] == "failed"]
    assert len(dead) == 14  # of the table's services these are not on the server
    expected = ["2022-02-23", *(f"2022-02-{d}" for d in range(24, 29)), *(f"2022-03-0{d}" for d in range(1, 5)),
                "2026-05-01", "2026-05-02", "2026-07-01", "2026-07-02"]  # fmt: skip
    assert sorted(days_of(tmp_path / "war.gpkg")) == expected
    server.asked.clear()
    again = fetched(tmp_path / "war.gpkg", "isw", "--history", exits=1)
    assert sum(file["outcome"] == "unchanged" for file in again) == len(expected)
    assert not [path for path, _ in server.asked if "outSR" in path]  # no map is asked for twice
    some = fetched(
        tmp_path / "some.gpkg", "isw", "--history", "--since", "2022-02-27", "--until", "2022-03-01", exits=1
    )
    assert sum(file["outcome"] == "new" for file in some) == 3


@pytest.mark.parametrize("source", ["deepstate", "uacontrolmap", "viina"])
def test_the_history_of_other_sources_begins_with_their_first_day(
    source: str, server: Recorded, tmp_path: Path
) -> None:
    server.hosts |= HOSTS
    fetch(tmp_path / "war.gpkg", source, "--history", exits=1 if source == "uacontrolmap" else 0)
    opened = geo.open_archive(tmp_path / "war.gpkg")
    assert len(opened.incidents() if source == "viina" else opened.reader.snapshots()) == COMES[source][1]
    if source == "viina":
        assert [path[-8:-4] for path, _ in server.asked] == ["2022", "2023", "2024", "2025", "2026"]


def test_a_source_without_a_known_past_says_so(server: Recorded, tmp_path: Path) -> None:
    assert "no history is known" in fetch(tmp_path / "war.gpkg", "bellingcat", "--history", exits=2)


@pytest.mark.parametrize("days", [40, pytest.param(1500, marks=pytest.mark.long)])
def test_a_history_that_is_cut_off_goes_on_without_losing_a_day(
    days: int, server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hosts[ISW] = timelapse(days)
    archive, stop = tmp_path / "war.gpkg", days // 2
    address = server.addresses()["isw"]
    assert address.history is not None
    past = replace(address.history, layers=address.history.layers[:2])
    address = replace(address, history=past)

    def killed(done: int, total: int, name: str) -> None:
        if done == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        geo.fetch_new(archive, "isw", address=address, history=True, contact=WHO, progress=killed)
    assert len(days_of(archive)) == stop
    server.asked.clear()
    done = geo.fetch_new(archive, "isw", address=address, history=True, contact=WHO)
    assert done.count("failed", "refused") == 0
    assert done.count("new") == days + 1 - stop
    assert len({path for path, _ in server.asked if "outSR" in path}) == days + 1 - stop  # none of those that came
    kept = days_of(archive)
    assert len(kept) == len(set(kept)) == days + 1


# -- accounts --------------------------------------------------------------------------------------------------------


def written(folder: Path) -> bytes:
    """Every byte under a folder, names included; what SQLite packs is small enough to stand as it is."""
    return b"".join(str(p).encode() + (p.read_bytes() if p.is_file() else b"") for p in sorted(folder.rglob("*")))


@pytest.mark.parametrize("source", ["acled", "ucdp-ged"])
def test_no_secret_stands_in_any_file_message_or_log(
    source: str, server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.hosts |= HOSTS
    acled = login(server, monkeypatch, Acled())
    asked, comes = COMES[source]
    said = fetch(tmp_path / "war.gpkg", source, *asked) + str(fetched(tmp_path / "war.gpkg", source, *asked))
    assert len(geo.open_archive(tmp_path / "war.gpkg").incidents()) == comes
    # a server that says in its refusal what it was told
    told = {"acled": [SECRETS["GEO_ACLED_PASSWORD"], "swordfish+%26+co", f"token-{acled.given + 1}-of-the-account"],
            "ucdp-ged": [SECRETS["GEO_UCDP_TOKEN"]]}  # fmt: skip
    echo = " ".join(told[source])
    acled.refuses = as_json({"message": f"no access for {echo}"}, 403)
    server.broken["gedevents"] = as_json({"message": f"no access for {echo}"}, 403)
    said += fetch(tmp_path / "more.gpkg", source, *asked, exits=1)
    assert "access level does not include this" in said
    monkeypatch.setenv("GEO_ACLED_PASSWORD", "wrong but secret")
    said += fetch(tmp_path / "more.gpkg", source, *asked, exits=1)
    secrets = [v for k, v in SECRETS.items() if k != "GEO_ACLED_USER"]
    secrets += ["-of-the-account", "swordfish", "wrong but secret", "wrong+but+secret"]
    found = written(tmp_path) + said.encode() + caplog.text.encode()
    assert caplog.records
    assert not [secret for secret in secrets if secret.encode() in found]
    assert not [path for path, headers in server.asked if "abcdef" in path or "swordfish" in path]


def test_a_token_that_ends_is_renewed_by_its_refresh(
    server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acled = login(server, monkeypatch, Acled(lasts=0.0))  # it has ended before the next page is asked for
    monkeypatch.setattr("geo.automation.addresses.time", Clock())
    fetch(tmp_path / "war.gpkg", "acled", *AUGUST)
    grants = [form["grant_type"] for _, form in server.posted]
    assert grants == ["password", *["refresh_token"] * 3]
    assert len(geo.open_archive(tmp_path / "war.gpkg").incidents()) == acled.rows


class Clock:
    """A clock on which two minutes pass between two looks."""

    now = 1000.0

    def monotonic(self) -> float:
        self.now += 120.0
        return self.now


def test_a_token_that_the_source_has_taken_back_is_renewed_once_by_the_password_where_need_be(
    server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acled = login(server, monkeypatch, Acled())
    honest, pages = acled.__call__, []

    def taken_back(path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        pages.append(query["page"])
        if len(pages) == 2:
            acled.given += 10
        return honest(path, query, headers)

    server.hosts["acleddata.com"] = taken_back
    assert fetched(tmp_path / "war.gpkg", "acled", *AUGUST)[0]["outcome"] == "new"
    assert pages == ["1", "2", "2", "3", "4"]
    assert [form["grant_type"] for _, form in server.posted] == ["password", "refresh_token", "password"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"refuses": as_json({"message": "Access denied"}, 403)}, ["access level does not include", "Access denied", "--since"]),
        ({"refuses": as_json({"message": "Account suspended"}, 401)}, ["does not let the account in", "GEO_ACLED_USER"]),
        ({"rows": 0, "held": {"date_recency": {"quantity": 12, "unit": "Months", "date": "2025-08-29"}}},
         ["its access level does not include them", "2025-08-29", "--until"]),
    ],
    ids=["tier", "account", "months held back"],
)  # fmt: skip
def test_an_account_that_may_not_have_it_is_told_in_plain_words(
    change: dict[str, Any], words: list[str], server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(server, monkeypatch, Acled(**change))
    output = " ".join(fetch(tmp_path / "war.gpkg", "acled", *AUGUST, exits=1).split())
    assert all(word in output for word in words), output
    assert not (tmp_path / "war.gpkg").exists()


def test_what_a_source_holds_back_beside_rows_is_noted(
    server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login(server, monkeypatch, Acled(held="no rows of the last 12 months"))
    assert "no rows of the last 12 months" in fetch(tmp_path / "war.gpkg", "acled", *AUGUST)
    fetch(tmp_path / "war.gpkg", "acled", *AUGUST, "--query", "country=South Sudan")
    assert "country=South+Sudan&page=1" in server.asked[-1][0] or "country=South+Sudan" in server.asked[-2][0]


def test_a_desks_plan_names_what_is_asked_and_the_proxy(
    server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acled = login(server, monkeypatch, Acled())
    with Recorded() as proxy:
        proxy.hosts = server.hosts
        monkeypatch.setattr(proxy, "answer_to_post", acled.post)
        (plan := tmp_path / "desk.toml").write_text(
            f'archive = "war.gpkg"\noutput = "out"\nproxy = "{proxy.url}"\n[[fetch]]\nsource = "acled"\n'
            'since = 2026-08-01\nquery = { country = "Sudan" }\n'
        )
        done = geo.run_daily(plan, date="2026-08-02")
        assert done.outcome == "done", done.summary()
        assert all("country=Sudan" in path for path, _ in proxy.asked)
    assert not server.asked
    assert len(geo.open_archive(tmp_path / "war.gpkg").incidents()) == acled.rows


def test_without_a_key_nothing_is_asked_and_its_place_is_named(server: Recorded, tmp_path: Path) -> None:
    for source, names in (
        ("acled", ["GEO_ACLED_USER"]),
        ("ucdp-ged", ["GEO_UCDP_TOKEN", "keyring set geo-control/ucdp token"]),
    ):
        output = " ".join(fetch(tmp_path / "war.gpkg", source, exits=2).split())
        assert all(name in output for name in names)
    assert not server.asked


def test_a_key_comes_from_the_keyring(server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("geo-control/ucdp", "token"): SECRETS["GEO_UCDP_TOKEN"]}
    fake = types.ModuleType("keyring")
    fake.get_password = lambda service, name: kept.get((service, name))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", fake)
    server.hosts |= HOSTS
    assert "2 rows" in fetch(tmp_path / "war.gpkg", "ucdp-ged", *COMES["ucdp-ged"][0]).replace("4 rows", "2 rows")
    assert len(geo.open_archive(tmp_path / "war.gpkg").incidents()) == 4


def test_the_account_is_named_to_its_own_host_alone(
    server: Recorded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    login(server, monkeypatch, Acled())
    known = find_address("ucdp-ged").login
    assert known is not None
    server.give("/x", b"{}")
    server.hosts["x"] = lambda *_: as_json({})
    with Network(WHO, loopback=True, account=Account(known), at="https://elsewhere.example/") as network:
        network.read_json(f"{server.url}/x", tmp_path)
    assert "x-ucdp-access-token" not in {name.lower() for name in server.headers}


# -- the user's network ----------------------------------------------------------------------------------------------


def test_a_proxy_is_asked_for_everything(server: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.hosts |= HOSTS
    with Recorded() as proxy:  # what it is asked for by its whole address it hands out itself
        proxy.hosts = server.hosts
        where = proxy.url.replace("http://", "http://desk:open%20sesame@")
        said = fetch(tmp_path / "war.gpkg", "bellingcat", "--proxy", where)
        assert [path for path, _ in proxy.asked] == [f"{server.url}/{endpoint()}"]
        assert proxy.headers["Proxy-Authorization"].startswith("Basic ")
        monkeypatch.setenv("GEO_PROXY", where)
        fetch(tmp_path / "war.gpkg", "bellingcat")
        assert len(proxy.asked) == 2
    assert not server.asked
    assert b"sesame" not in written(tmp_path) + said.encode()
    assert "--proxy" in fetch(tmp_path / "war.gpkg", "bellingcat", "--proxy", "socks5://x", exits=2)


def endpoint() -> str:
    return known_addresses()["bellingcat"].url.removeprefix("https://")


def test_through_a_proxy_https_is_a_tunnel_and_an_own_authority_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    (tmp_path / "ours.toml").write_text("")
    with Server(tls=context) as far, Server() as proxy:
        far.give("/a.json", json.dumps(recorded.BELLINGCAT).encode())
        config = tmp_path / "ours.toml"
        config.write_text(f'[fetch]\nurl = "{far.url}/a.json"\nname = "a.json"\nloopback = true\n'
                          "[fetch.limits]\nattempts = 1\npause_seconds = 0\n")  # fmt: skip
        asked = ["bellingcat", "--config", str(config), "--contact", WHO]
        assert "certificate is not good" in fetch(tmp_path / "war.gpkg", *asked, exits=1)
        fetch(tmp_path / "war.gpkg", *asked, "--ca", str(tmp_path / "ca.pem"), "--proxy", proxy.url)
        assert [path for path, _ in proxy.asked] == [f"CONNECT localhost:{far.port}"]
        assert "no certificates" in fetch(tmp_path / "war.gpkg", *asked, "--ca", str(config), exits=2)
    assert len(geo.open_archive(tmp_path / "war.gpkg").incidents()) == 1


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.7", "[::1]", "inside.example"])
def test_a_host_that_leads_inside_is_not_asked_through_a_proxy_either(host: str, tmp_path: Path) -> None:
    def resolve(name: str, port: int) -> list[str]:
        if name == "unknown.example":
            raise OSError("no such host")
        return ["192.168.1.1"] if name == "inside.example" else [name]

    with Server() as proxy, Network(WHO, limits=QUICK, proxy=proxy.url, resolve=resolve) as network:
        with pytest.raises(FetchError, match="not on the public internet"):
            network.read_json(f"https://{host}/list", tmp_path)
        assert not proxy.asked
        with pytest.raises(FetchError):  # a name that only the proxy can look up is asked for there
            network.read_json("https://unknown.example/list", tmp_path)
        assert proxy.asked[0][0] == "CONNECT unknown.example:443"
