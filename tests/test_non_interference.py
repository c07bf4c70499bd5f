"""Two archives that differ only in what their rules withhold answer every question alike, byte for byte."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from shapely.geometry import box
from test_archive import put, state

import geo
from geo.archive import open_archive, safety_rules
from geo.cli import main
from geo.importing.importer import ensure_units
from geo.storage import snapshots as history
from tests.test_rules import incidents

NOW = datetime(2025, 1, 15, tzinfo=UTC)
FIRST_SECRET = datetime(2025, 1, 12, tzinfo=UTC)  # under an embargo of 72 hours this day and all after it are withheld
TYPES = ("Battles", "Protests", "Explosions", "Riots")


class Clock(datetime):
    at = NOW

    @classmethod
    def now(cls, tz=None):  # type: ignore[no-untyped-def]
        return cls.at


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "datetime", Clock)
    monkeypatch.setattr(safety_rules, "clock", lambda: NOW)
    monkeypatch.setattr(Clock, "at", NOW)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    archive = open_archive(tmp_path_factory.mktemp("base") / "a.gpkg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "datetime", Clock)
        patch.setattr(Clock, "at", NOW - timedelta(days=30))
        ensure_units(archive)
    archive.close()
    return archive.path.read_bytes()


def squares(chance: random.Random) -> object:
    rows = []
    for side in chance.sample(["RU", "UA", "Z"], chance.randint(1, 3)):
        west, south = chance.uniform(34, 36), chance.uniform(50, 51.5)
        rows.append((side, chance.choice(["held", "claimed"]), "n", box(west, south, west + 0.4, south + 0.3)))
    return state(*rows)


def build(path: Path, base: bytes, seed: int, secret: int) -> None:
    """What may be told is by the seed alone; what is withheld is by the other number as well."""
    told, hidden = random.Random(seed), random.Random(f"{seed} {secret}")
    path.write_bytes(base)
    archive = open_archive(path)
    for number in range(6):
        day = datetime(2025, 1, told.randint(6, 11), tzinfo=UTC)
        Clock.at = NOW - timedelta(days=2, hours=20 - number)
        put(archive, day, squares(told))
        if told.random() < 0.3:
            archive.retract(
                archive.store.snapshots()["snapshot"].iloc[told.randrange(len(archive.store.snapshots()))],
                why=f"told {number}",
            ) if archive.store.snapshots()["retracted_at"].isna().all() else None
    for number in range(hidden.randint(0, 4)):
        day = FIRST_SECRET + timedelta(hours=12 * number)
        Clock.at = NOW - timedelta(hours=20 - 2 * number)
        put(
            archive,
            day,
            squares(hidden) if hidden.random() < 0.7 else state(("SECRET", "held", "s", box(35, 51, 36, 52))),
        )
        if hidden.random() < 0.5:
            Clock.at += timedelta(hours=1)
            name = open_archive(path, raw=True).snapshots()["snapshot"].iloc[-1]
            archive.retract(name, why=f"secret {hidden.random()}")
    Clock.at = NOW - timedelta(hours=3)
    with archive.store.writing() as connection:
        rows = [
            {
                "event_id": f"e{n}", "date_start": f"2025-01-{6 + n:02}", "date_end": f"2025-01-{6 + n:02}",
                "latitude": 51.0 + hidden.uniform(-0.004, 0.004), "longitude": 35.0 + hidden.uniform(-0.004, 0.004),
                "event_type": hidden.choice(TYPES), "sub_event_type": told.choice(TYPES),
                "verification": hidden.choice(["confirmed", "disputed", None]), "country": "Russia",
                "notes": f"At {hidden.random()} {hidden.random()}", "source_headline": f"{hidden.random()}",
                "tags": hidden.choice(["x", None]), "source_article": f"https://x/{hidden.random()}", "best": n,
                "where_description": f"yard {hidden.random()}", "orig": f"{hidden.random()}",
            }
            for n in range(4)
        ]  # fmt: skip
        late = [
            rows[0] | {"event_id": f"late{n}", "date_start": "2025-01-14", "date_end": "2025-01-14"}
            for n in range(hidden.randint(0, 3))
        ]
        archive.store.put_incidents(connection, incidents(*rows, *late), "reports", "2025-01-14T21:00:00.000Z")
    Clock.at = NOW - timedelta(hours=1)
    archive.set_rule("embargo", "72")
    archive.set_rule("coarsen", "grid:20km")
    archive.set_rule("withhold", "event_type,verification")
    archive.close()


def questions() -> Iterator[list[str]]:
    dates = ([], ["--date", "2025-01-10"], ["--date", "2025-01-20"])
    known = (
        [],
        ["--as-known-on", "2025-01-13T08:00Z"],
        ["--as-known-on", "2025-01-14T12:00Z"],
        ["--as-known-on", "2100-01-01"],
    )
    for then in known:
        for date in dates:
            yield ["area", *date, *then, "--format", "json"]
        yield ["snapshots", *then, "--format", "json"]
        yield ["series", *then, "--format", "csv"]
        yield ["change", "2025-01-08", "2025-01-20", *then, "--format", "json"]
        yield ["who", "51.2,35.2", *then, "--format", "json"]
        yield ["corrections", *then, "--format", "json"]
        yield ["corrections", *then, "--format", "geojson"]
        yield ["incidents", *then, "--format", "json"]
    yield ["area", "--controller", "SECRET"]
    yield ["area", "--controller", "NOBODY"]
    yield ["sources", "--format", "json"]
    yield ["rules", "--format", "json"]
    for kind in TYPES:
        yield ["incidents", "--type", kind, "--format", "csv"]
    for word in ("confirmed", "not stated"):
        yield ["incidents", "--verification", word, "--format", "csv"]
    for form in ("csv", "geojson", "acled", "ucdp-ged"):
        yield ["incidents", "--from", "2025-01-07", "--to", "2025-01-20", "--format", form]


def answers(path: Path) -> dict[str, str]:
    found = {}
    for verb, *rest in questions():
        done = CliRunner().invoke(main, [verb, str(path), *rest])
        assert "Traceback" not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), (verb, rest, done.exception)
        found[" ".join([verb, *rest])] = f"{done.exit_code} {done.output}"
    archive = open_archive(path)
    found["controllers"] = repr([archive.controllers(), archive.controllers(as_known_on="2025-01-14T12:00Z")])
    found["card"] = archive._repr_html_()
    found["polygons"] = archive.polygons("desk").to_json(default=str)
    found["corrected"] = archive.corrected_ground().to_json(default=str)
    return found


def differing(tmp_path: Path, base: bytes, seed: int, *, pages: bool = False) -> list[str]:
    given = []
    for secret in (1, 2):
        path = tmp_path / f"{seed}-{secret}" / "a.gpkg"
        path.parent.mkdir()
        build(path, base, seed, secret)
        one = answers(path)
        if pages:
            page = geo.draw_map(open_archive(path), "2025-01-20", with_front=False, draw_basemap=False)
            one["map"] = geo.save_map(page, path.parent / "m.html").read_text(encoding="utf-8")
        given.append({name: text.replace(str(path), "a.gpkg") for name, text in one.items()})
    return [name for name in given[0] if given[0][name] != given[1][name]]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_withheld_changes_no_answer(tmp_path: Path, base: bytes, seed: int) -> None:
    assert differing(tmp_path, base, seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 102))
def test_what_is_withheld_changes_no_answer_in_100_archives(tmp_path: Path, base: bytes, seed: int) -> None:
    assert differing(tmp_path, base, seed, pages=seed % 10 == 0) == []


def test_the_owner_sees_the_difference(tmp_path: Path, base: bytes) -> None:
    """The test above must be able to fail."""
    build(tmp_path / "one.gpkg", base, 0, 1)
    build(tmp_path / "two.gpkg", base, 0, 2)
    one, two = (open_archive(tmp_path / name, raw=True) for name in ("one.gpkg", "two.gpkg"))
    assert one.incidents()["notes"].tolist() != two.incidents()["notes"].tolist()
    assert one.snapshots().to_csv() != two.snapshots().to_csv()


def test_a_filter_by_a_withheld_field_says_so(tmp_path: Path, base: bytes) -> None:
    build(tmp_path / "a.gpkg", base, 0, 1)
    found = open_archive(tmp_path / "a.gpkg").incidents(verification="not stated")
    assert found.empty
    assert any("verification is withheld" in note for note in found.attrs["notes"])
    done = CliRunner().invoke(main, ["incidents", str(tmp_path / "a.gpkg"), "--type", "Battles"])
    assert "event_type is withheld" in done.output
