"""Two archives that differ only in what their rules withhold answer every question alike, byte for byte."""

from __future__ import annotations

import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from shapely.geometry import box
from test_archive import put, state

from geo.archive import Archive, open_archive, safety_rules
from geo.automation import watches
from geo.cli import main
from geo.importing.importer import ensure_units, import_files
from geo.storage import snapshots as history
from tests.test_rules import incidents
from tests.verb_questions import (
    DATES,
    KNOWN,
    NOT_ASKED,
    OWN,
    SLOW,
    TYPES,
    each_option,
    options_of,
    start_of,
    values_of,
)

NOW = datetime(2025, 1, 15, tzinfo=UTC)
FIRST_SECRET = datetime(2025, 1, 12, tzinfo=UTC)  # under an embargo of 72 hours this day and all after it are withheld
ARCHIVES = int(os.environ.get("GEO_ARCHIVES", "1"))
TOWNS = (("Sudzha", 51.19, 35.27), ("Rylsk", 51.57, 34.68), ("Korenevo", 51.41, 34.9))
PLAN = """archive = "a.gpkg"
output = "out"
max_age_days = 9
[figures]
source = "desk"
since = "2 days"
[map]
source = "desk"
[[watch]]
source = "desk"
at = [51.2, 35.27]
[[watch]]
source = "settlements"
at = [51.2, 35.27]
[[watch]]
source = "settlements"
at = [51.57, 34.68]
[[watch]]
side = "RU"
source = "desk"
above_km2 = 100
[[watch]]
side = "RU"
sources = ["desk", "other"]
differ_km2 = 50
"""
VERBS = sorted(verb for verb in main.commands if verb not in OWN)


class Clock(datetime):
    at = NOW

    @classmethod
    def now(cls, tz=None):  # type: ignore[no-untyped-def]
        return cls.at


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "datetime", Clock)
    monkeypatch.setattr(watches, "datetime", Clock)
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
    for number, side in enumerate(chance.sample(["RU", "UA", "Z"], chance.randint(1, 3))):
        west, south = chance.uniform(34, 36), chance.uniform(50, 51.5)
        rows.append(
            (
                side,
                chance.choice(["held", "claimed"]) if number else "held",
                "n",
                box(west, south, west + 0.4, south + 0.3),
            )
        )
    return state(*rows)


# rules by the number of an archive: what is withheld differs by them, and so does what may differ in secret
RULES: tuple[tuple[tuple[str, str, str | None], ...], ...] = (
    (("embargo", "72", None), ("coarsen", "grid:20km", None), ("withhold", "event_type,verification", None)),
    (("embargo", "72", "desk"), ("embargo", "72", "reports"), ("coarsen", "settlement", None),
     ("withhold", "sub_event_type,actor1,country,iso", None)),
    (("embargo", "72", None), ("withhold", "date_start,date_end,verification", None), ("coarsen", "grid:0.5deg", None)),
    (("embargo", "72", None), ("coarsen", "grid:20km", None), ("release", "notes,tags", None)),
)  # fmt: skip


def build(path: Path, base: bytes, seed: int, secret: int) -> None:
    """What may be told is by the seed alone; what is withheld is by the other number as well."""
    told, hidden = random.Random(seed), random.Random(f"{seed} {secret}")
    rules = RULES[seed % len(RULES)]
    path.write_bytes(base)
    archive = open_archive(path)
    for number in range(6):
        Clock.at = NOW - timedelta(days=2, hours=20 - number)
        put(archive, datetime(2025, 1, told.randint(6, 11), tzinfo=UTC), squares(told))
        put(archive, datetime(2025, 1, told.randint(6, 11), tzinfo=UTC), squares(told), source="other")
        if told.random() < 0.3 and archive.reader.snapshots("desk")["retracted_at"].isna().all():
            archive.retract(told.choice(archive.reader.snapshots("desk")["snapshot"].tolist()), why=f"told {number}")
    for number in range(hidden.randint(0, 4)):
        day = FIRST_SECRET + timedelta(hours=12 * number)
        Clock.at = NOW - timedelta(hours=20 - 2 * number)
        secret_map = state(("SECRET", "held", "s", box(35, 51, 36, 52)))
        sources = ("desk",) if any(source for _, _, source in rules) else ("desk", "other")
        source = hidden.choice(sources)
        put(archive, day, squares(hidden) if hidden.random() < 0.7 else secret_map, source=source)
        if hidden.random() < 0.5:
            Clock.at += timedelta(hours=1)
            archive.retract(
                open_archive(path, raw=True).reader.snapshots(source)["snapshot"].iloc[-1],
                why=f"secret {hidden.random()}",
            )
    Clock.at = NOW - timedelta(hours=4)
    is_under_embargo = any((kind, source) == ("embargo", None) for kind, _, source in rules)  # whatever its source
    put_settlements(archive, told, hidden, is_under_embargo=is_under_embargo)
    Clock.at = NOW - timedelta(hours=3)
    put_claim(archive)
    put_incidents(archive, told, hidden, {field for kind, value, _ in rules if kind == "withhold" for field in value.split(",")},
                  is_released=any(kind == "release" for kind, _, _ in rules), is_under_embargo=is_under_embargo)  # fmt: skip
    Clock.at = NOW - timedelta(hours=1)
    for kind, value, of in rules:
        archive.set_rule(kind, value, source=of)
    archive.close()


def put_claim(archive: Archive) -> None:
    claim = {
        "claim_id": "c1", "text": "Russia holds 4,000 km² of Kursk region", "said_by": "A", "said_on": "2025-01-10",
        "quantity": "held", "controller": "RU", "unit": "RU-KRS", "comparator": "exactly", "value": 4000.0,
        "value_unit": "km2", "date_to": "2025-01-10",
    }  # fmt: skip
    with archive.store.writing() as connection:
        archive.store.put_claims(connection, [claim], "2025-01-14T20:00:00.000Z")


def put_settlements(archive: Archive, told: random.Random, hidden: random.Random, *, is_under_embargo: bool) -> None:
    """Days of a panel: what came under embargo is secret, corrections and retractions of it as well."""
    folder = archive.path.parent / "panels"
    folder.mkdir()

    def put_days(days: range, chance: random.Random, name: str) -> None:
        rows = [f"{name},{lat},{lon},2025-01-{day:02},{chance.choice(['RU', 'UA', 'Z', ''])}"
                for name, lat, lon in TOWNS for day in days]  # fmt: skip
        (folder / name).write_text("\n".join(["settlement,lat,lon,date,side", *rows]))
        assert import_files(archive, "settlements", folder / name)[0].outcome == "stored"

    put_days(range(6, 12), told, "told.csv")
    for number in range(hidden.randint(0, 2) if is_under_embargo else 0):
        put_days(range(12 + number, 15), hidden, f"secret{number}.csv")
        if hidden.random() < 0.5:
            Clock.at += timedelta(minutes=1)
            archive.retract("settlements", why=f"secret {hidden.random()}")
    shutil.rmtree(folder)


def put_incidents(
    archive: Archive, told: random.Random, hidden: random.Random, withheld: set[str], *, is_released: bool,
    is_under_embargo: bool,
) -> None:  # fmt: skip
    """Incidents of three datasets, one beside the archive: fields that are withheld, texts that are not released and exact places are secret."""

    def by(field: str) -> random.Random:
        return hidden if field in withheld else told

    def row(number: int, name: str) -> dict[str, object]:
        day = f"2025-01-{by('date_start').randint(6, 10):02}"
        free = told if is_released else hidden
        return {
            "event_id": name, "date_start": day, "date_end": day,
            "latitude": 51.05 + hidden.uniform(-0.004, 0.004), "longitude": 35.2 + hidden.uniform(-0.004, 0.004),
            "event_type": by("event_type").choice(TYPES[:4]), "sub_event_type": by("sub_event_type").choice(TYPES[:4]),
            "verification": by("verification").choice(["confirmed", "disputed", None]),
            "actor1": f"actor {by('actor1').random()}", "country": by("country").choice(["Russia", None]),
            "notes": f"noted {free.random()}", "source_headline": f"{hidden.random()}",
            "tags": free.choice(["x", None]), "source_article": f"https://x/{hidden.random()}", "best": number,
            "where_description": f"yard {hidden.random()}", "where_coordinates": f"place {hidden.random()}",
            "orig": f"{hidden.random()}",
        }  # fmt: skip

    with archive.store.writing() as connection:
        rows = [row(n, f"e{n}") for n in range(4)]
        others = incidents(*(row(n, f"o{n}") for n in range(2)))
        attached = [row(n, f"m{n}") for n in range(3)]  # before those that are late: they take what may be told, too
        late = [
            row(n, f"late{n}") | {"date_start": "2025-01-14", "date_end": "2025-01-14"}
            for n in range(hidden.randint(0, 3))
        ]
        attached += late if is_under_embargo else []
        archive.store.put_incidents(connection, incidents(*rows, *late), "reports", "2025-01-14T21:00:00.000Z")
        archive.store.put_incidents(connection, others, "others", "2025-01-14T21:00:00.001Z")
    home = archive.path.parent
    pd.DataFrame(attached).assign(dataset="millions").to_parquet(home / "rows.parquet")
    archive.attach(home / "many", [home / "rows.parquet"])


def answer_to(*commands: list[str]) -> tuple[bytes, ...]:
    """What commands say and write one after the other, in a folder of their own; the archive is a.gpkg there."""
    Path("out").mkdir()
    said: list[bytes] = []
    for asked in commands:
        done = CliRunner().invoke(main, asked)
        assert done.exception is None or isinstance(done.exception, SystemExit), (asked, done.exception)
        assert "Usage:" not in done.output, (asked, done.output)
        said += [str(done.exit_code).encode(), done.stdout.encode(), done.stderr.encode()]
    files = [b"%s: %s" % (p.as_posix().encode(), p.read_bytes()) for p in sorted(Path("out").rglob("*")) if p.is_file()]
    shutil.rmtree("out")
    return (*said, *files)


def answers(asked: list[list[str]]) -> dict[str, tuple[bytes, ...]]:
    found = {" ".join(one): answer_to(one) for one in asked}
    found["rounds of daily"] = answer_to(
        *(["daily", "desk.toml", "--date", day[:10]] for day in DATES), ["daily", "desk.toml"]
    )
    archive = open_archive("a.gpkg")
    for name, value in {
        "controllers": [archive.controllers(), archive.controllers(as_known_on="2025-01-14T12:00Z")],
        "card": archive._repr_html_(),
        "polygons": archive.polygons("desk").to_json(default=str),
        "whose each place is": archive.settlements().to_json(default=str),
        "corrected": archive.corrected_ground(source="desk").to_json(default=str),
    }.items():
        found[name] = (repr(value).encode(),)
    return found


def differing(folder: Path, base: bytes, seed: int, asked: list[list[str]]) -> dict[str, tuple[bytes, bytes]]:
    """The questions that two archives answer differently, with the first parts that differ."""
    given = []
    for secret in (1, 2):
        home = folder / f"{seed}-{secret}"
        home.mkdir()
        build(home / "a.gpkg", base, seed, secret)
        (home / "places.csv").write_text("name,lat,lon\nSudzha,51.2,35.27\nRylsk,51.57,34.68\nKorenevo,51.41,34.9\n")
        (home / "towns.csv").write_text("name,lat,lon,country\nSudzha,51.2,35.27,RU\nRylsk,51.57,34.68,RU\n")
        (home / "desk.toml").write_text(PLAN)
        (home / "text.txt").write_text("11 January 2025\n\nThree people were killed in Sudzha on 10 January.\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            given.append(answers(asked))
    one, two = given
    return {
        name: next((a[:2000], b[:2000]) for a, b in zip_longest(one[name], two[name], fillvalue=b"") if a != b)
        for name in one
        if one[name] != two[name]
    }


def test_every_verb_and_option_is_asked_or_said_why_not() -> None:
    assert {verb for verb in main.commands if verb not in OWN} == set(VERBS)
    for verb in VERBS:
        for option in options_of(verb):
            assert option in NOT_ASKED or values_of(verb, option) is None or isinstance(values_of(verb, option), list)


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, len(RULES)))])
def test_what_is_withheld_changes_no_answer(tmp_path: Path, base: bytes, seed: int) -> None:
    """Every verb that draws nothing, as it stands and as known before; each archive is asked a part of it."""
    quick = [verb for verb in VERBS if verb not in SLOW]
    known = [[*start_of(verb), "--as-known-on", KNOWN[1]] for verb in quick if "--as-known-on" in options_of(verb)]
    asked = [*map(start_of, quick), *known, *(one for one in each_option("incidents") if "--by" not in one)]
    parts = len(RULES) if seed else 3 * len(RULES)  # what is left out here is asked by the long ones below
    assert differing(tmp_path, base, seed, [start_of("map"), *asked[seed::parts]]) == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 2 + ARCHIVES))
def test_what_is_withheld_changes_no_answer_in_many_archives(tmp_path: Path, base: bytes, seed: int) -> None:
    """Each verb with each of its options in one archive of them all, and in every archive each quick verb.

    GEO_ARCHIVES=100 asks a hundred, each in some fifteen seconds of a processor; CI asks one, a tenth of all options.
    """
    parts = max(10, ARCHIVES)
    every = [one for verb in VERBS for one in each_option(verb)]
    asked = [one for number, one in enumerate(every) if number % parts == seed % parts]
    asked += [start_of(verb) for verb in VERBS if verb not in (*SLOW, "read", "say")]
    assert differing(tmp_path, base, seed, asked) == {}


def test_the_owner_sees_the_difference(tmp_path: Path, base: bytes) -> None:
    """The test above must be able to fail."""
    paths = [tmp_path / name / "a.gpkg" for name in ("one", "two")]
    for secret, path in enumerate(paths, 1):
        path.parent.mkdir()
        build(path, base, 0, secret)
    one, two = (open_archive(path, raw=True) for path in paths)
    assert one.incidents()["notes"].tolist() != two.incidents()["notes"].tolist()
    assert one.reader.snapshots().to_csv() != two.reader.snapshots().to_csv()


def test_a_filter_by_a_withheld_field_says_so(tmp_path: Path, base: bytes) -> None:
    build(tmp_path / "a.gpkg", base, 0, 1)
    found = open_archive(tmp_path / "a.gpkg").incidents(verification="not stated")
    assert found.empty
    assert any("verification is withheld" in note for note in found.attrs["notes"])
    done = CliRunner().invoke(main, ["incidents", str(tmp_path / "a.gpkg"), "--type", "Battles"])
    assert "event_type is withheld" in done.output


def test_a_note_on_a_withheld_field_tells_of_no_row_under_embargo(tmp_path: Path, base: bytes) -> None:
    late = ["incidents", "a.gpkg", "--from", "2025-01-12", "--verification", "disputed"]
    assert differing(tmp_path, base, 8, [late]) == {}


@pytest.mark.long
@pytest.mark.parametrize(
    ("seed", "asked"),
    [(36, ["chart", "a.gpkg", "--source", "desk", "-o", "out/c.svg", "--from", "2025-01-12"]), (86, start_of("site"))],
    ids=["a span after the last map", "a retraction under embargo"],
)
def test_what_the_hundred_pairs_found(tmp_path: Path, base: bytes, seed: int, asked: list[str]) -> None:
    assert differing(tmp_path, base, seed, [asked]) == {}


@pytest.mark.parametrize("asked", [["--with-control"], ["--duplicates"], ["--by", "day"], ["--by", "week"]])
def test_incidents_of_which_the_day_is_withheld_are_told_without_it(
    tmp_path: Path, base: bytes, asked: list[str]
) -> None:
    build(tmp_path / "a.gpkg", base, 2, 1)
    done = CliRunner().invoke(main, ["incidents", str(tmp_path / "a.gpkg"), *asked, "--format", "json"])
    assert done.exit_code == 0, done.exception
    rows = json.loads(done.stdout)["rows"]
    if asked == ["--with-control"]:
        assert {row["why"] for row in rows} == {"its day is not told"}
    elif "--by" in asked:
        assert {row[asked[1]] for row in rows} == {"not stated"}
        assert sum(row["incidents"] for row in rows) == 9
