"""The desk's day: the same as by hand, once and no more, and whole after every fault and at every moment."""

from __future__ import annotations

import atexit
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import pytest
from address_server import Answer, Server, contents, leftovers
from click.testing import CliRunner

from geo import build_site, draw_brief, draw_map, draw_timeline, import_files, open_archive, run_daily, save_map
from geo.automation import config, daily
from geo.automation.config import KEYS, OUTPUTS, read_plan, resolve_since
from geo.automation.daily import Daily
from geo.cli import main
from geo.errors import ArchiveError, BusyError, FileError, UsageError
from geo.sources.vector import read_toml
from geo.storage.atomic_write import locked

SEEDS = Path(__file__).resolve().parents[1] / "seeds"
DAYS = ("2024-08-12", "2024-08-18", "2024-08-21")
LAST = DAYS[-1]
OURS = """[fetch]
way = "days"
url = "{url}/{{day}}.geojson"
name = "{{day}}.geojson"
loopback = true
[fetch.limits]
attempts = 1
pause_seconds = 0
backoff_seconds = 0
read_seconds = 0.5
file_bytes = 4_000_000
[source]
name = "seeds"
title = "Illustrative outlines of the bundled example"
licence = "CC BY 4.0"
attribution = "geo-control contributors, illustrative"
"""
PLAN = """archive = "war.gpkg"
output = "out"
contact = "desk@example.org"

[[fetch]]
source = "vector"
config = "ours.toml"
since = 2024-08-12

[figures]
controller = "UA"
status = ["held"]
since = "3 days"

[map]
within = "Kursk"
since = 2024-08-12

[brief]
formats = ["html"]

[timeline]

[site]
title = "Kursk by date"
"""


def seed(day: str) -> bytes:
    return (SEEDS / "control" / f"{day}.geojson").read_bytes()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        for day in DAYS:
            running.give(f"/{day}.geojson", seed(day))
        yield running


def desk(folder: Path, server: Server, plan: str = PLAN) -> Path:
    (folder / "ours.toml").write_text(OURS.format(url=server.url))
    (folder / "desk.toml").write_text(plan)
    return folder / "desk.toml"


def make_by_hand(folder: Path, days: tuple[str, ...]) -> None:
    """What somebody would type who has no routine."""
    credit, options = read_toml(SEEDS / "control.toml")
    files = [SEEDS / "control" / f"{day}.geojson" for day in days]
    import_files(folder / "war.gpkg", "vector", files, options=options, credit=credit)
    archive = open_archive(folder / "war.gpkg")
    out = folder / "out" / days[-1]
    save_map(draw_map(archive, days[-1], within="Kursk", since="2024-08-12"), out / "map.html")
    draw_brief(archive, days[-1], out / "brief.html")
    save_map(draw_timeline(archive, to=days[-1]), folder / "out" / "timeline.html")
    build_site(archive, folder / "out" / "site", to=days[-1], title="Kursk by date")


@cache
def told_by_hand(*days: str) -> tuple[Any, dict[str, bytes]]:
    """What the archive says, and every page."""
    folder = done_by_hand(*days)
    return contents(folder / "war.gpkg"), pages(folder / "out")


@cache
def done_by_hand(*days: str) -> Path:
    folder = Path(mkdtemp())
    atexit.register(rmtree, folder)
    make_by_hand(folder, days)
    return folder


def untimed(path: Path) -> bytes:
    """A file without the instants at which the archive learnt of a thing, which differ from run to run."""
    raw = path.read_bytes()
    if path.name == "feed.xml":
        raw = re.sub(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=</(?:published|updated))", b"", raw)
    if path.name == "sources.html":
        raw = re.sub(rb"20\d\d-\d\d-\d\d \d\d:\d\d UTC(?=</td>)", b"", raw)
    return raw


def pages(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): untimed(p) for p in sorted(folder.rglob("*.html"))}


def site_files(folder: Path) -> dict[str, bytes]:
    """The whole site but for its own list."""
    files = {p.relative_to(folder).as_posix(): untimed(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    del files[".geo-site/manifest.json"]
    return files


def outcomes(done: Daily) -> dict[str, str]:
    return {step.name: step.outcome for step in done.steps}


ALL = ("fetch vector", "figures", "map", "brief", "timeline", "site")


def test_a_day_is_the_same_as_by_hand_and_the_next_run_has_nothing_to_do(server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server)
    done = run_daily(path, date=LAST, workers=2)
    assert (done.outcome, done.exit_code, done.date) == ("done", 0, LAST)
    assert outcomes(done) == dict.fromkeys(ALL, "new")
    archive, drawn = told_by_hand(*DAYS)
    assert contents(tmp_path / "war.gpkg") == archive
    assert pages(tmp_path / "out") == drawn
    assert site_files(tmp_path / "out" / "site") == site_files(done_by_hand(*DAYS) / "out" / "site")
    told = json.loads((tmp_path / "out" / LAST / "figures.json").read_text())
    row = open_archive(tmp_path / "war.gpkg").area(LAST, controller="UA", status=["held"]).iloc[0]
    assert told["area"][0]["area_km2"] == row["area_km2"]
    assert (told["date"], told["since"]) == (LAST, DAYS[1])
    assert not leftovers(tmp_path)
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    again = run_daily(path, date=LAST)
    assert (again.outcome, again.exit_code) == ("nothing new", 3)
    after = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "out").rglob("*") if p.is_file()}
    lock = tmp_path / "out" / ".daily.lock"
    assert {p: v for p, v in before.items() if p != lock} == {p: v for p, v in after.items() if p != lock}


def test_a_day_of_real_files_is_the_same_as_by_hand(shared: Path, server: Server, tmp_path: Path) -> None:
    files = sorted((shared / "deepstate-mirror").glob("*.geojson"))[:3]
    for file in files:
        server.give(f"/{file.name}", file.read_bytes())
    (tmp_path / "ours.toml").write_text(
        f'[fetch]\nway = "days"\nurl = "{server.url}/deepstatemap_data_{{day:%Y%m%d}}.geojson"\nloopback = true\n'
        'name = "deepstatemap_data_{day:%Y%m%d}.geojson"\n[fetch.limits]\npause_seconds = 0\n'
    )
    (tmp_path / "desk.toml").write_text(
        'archive = "war.gpkg"\noutput = "out"\ncontact = "desk@example.org"\n[[fetch]]\nsource = "deepstate-mirror"\n'
        'config = "ours.toml"\nsince = 2024-07-08\n[figures]\n[map]\nwithin = "Kharkiv"\n'
    )
    done = run_daily(tmp_path / "desk.toml", date="2024-07-10")
    assert done.outcome == "done", done.summary()
    hand = import_files(tmp_path / "hand.gpkg", "deepstate-mirror", files)
    assert len(hand) == 3
    assert contents(tmp_path / "war.gpkg") == contents(tmp_path / "hand.gpkg")
    page = save_map(
        draw_map(open_archive(tmp_path / "hand.gpkg"), "2024-07-10", within="Kharkiv"), tmp_path / "hand.html"
    )
    assert (tmp_path / "out" / "2024-07-10" / "map.html").read_bytes() == page.read_bytes()
    assert f"{len(files)} new" in done.summary()


BAD = {
    "always 500": Answer(b"", 500),
    "silence": Answer(how="silent"),
    "truncation": Answer(seed(DAYS[1]), how="truncated"),
    "error page": Answer(b"<html>sorry</html>"),
    "no features": Answer(b'{"type": "FeatureCollection", "features": []}'),
    "endless": Answer(how="endless"),
    "circle": Answer(status=302, headers={"Location": f"/{DAYS[1]}.geojson"}),
    "another host": Answer(status=302, headers={"Location": "https://example.org/"}),
}


@pytest.mark.parametrize("name", BAD)
def test_after_a_fault_the_rest_is_done_and_the_next_run_catches_up(name: str, server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server, PLAN.partition("[map]")[0])
    server.give(f"/{DAYS[1]}.geojson", BAD[name])
    done = run_daily(path, date=LAST)
    assert (done.outcome, done.exit_code) == ("done in part", 4)
    assert outcomes(done) == {"fetch vector": "failed", "figures": "new"}
    assert "failed: fetch vector: " in done.summary()
    assert contents(tmp_path / "war.gpkg") == told_by_hand(DAYS[0], DAYS[2])[0]
    assert not leftovers(tmp_path)
    server.give(f"/{DAYS[1]}.geojson", seed(DAYS[1]))
    healed = run_daily(path, date=LAST)
    assert (healed.outcome, outcomes(healed)) == ("done", {"fetch vector": "new", "figures": "new"})
    assert contents(tmp_path / "war.gpkg") == told_by_hand(*DAYS)[0]


def test_a_first_day_on_which_nothing_comes_fails_and_the_next_one_does_not(server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server, PLAN.partition("[map]")[0])
    for day in DAYS:
        server.give(f"/{day}.geojson", Answer(b"", 503))
    done = run_daily(path, date=LAST)
    assert (done.outcome, done.exit_code) == ("failed", 1)
    assert "no snapshot" in done.summary() or "no such archive" in done.summary()
    for day in DAYS:
        server.give(f"/{day}.geojson", seed(day))
    assert run_daily(path, date=LAST).outcome == "done"
    assert contents(tmp_path / "war.gpkg") == told_by_hand(*DAYS)[0]


@pytest.mark.parametrize("kind", ["figures", "timeline"])
def test_cut_off_in_a_step_the_next_run_does_that_step_and_those_after_it(
    kind: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk(tmp_path, server)
    honest = dict(daily.MAKERS)

    def cut_off(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setitem(daily.MAKERS, kind, cut_off)
        run_daily(path, date=LAST)
    made = []
    for name, maker in honest.items():
        monkeypatch.setitem(
            daily.MAKERS, name, lambda *given, name=name, maker=maker: (made.append(name), maker(*given))[1]
        )
    done = run_daily(path, date=LAST)
    expected = list(ALL[ALL.index(kind) :])
    assert (done.outcome, made) == ("done", expected)
    assert pages(tmp_path / "out") == told_by_hand(*DAYS)[1]


@pytest.mark.long
def test_killed_at_any_moment_nothing_is_half_done_and_the_last_run_ends_it(server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server)
    command = [sys.executable, "-m", "geo", "daily", str(path), "--date", LAST, "--quiet"]
    finished = 0
    for tenths in (13, 19, 28):
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            finished += running.wait(timeout=tenths / 10) in (0, 3)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
        if (tmp_path / "war.gpkg").exists():
            said = {row[6] for row in contents(tmp_path / "war.gpkg")["snapshots"]}
            assert said <= {f"{day}.geojson" for day in DAYS}
        for name, content in pages(tmp_path / "out").items():
            if "/.geo-site/new/" not in f"/{name}":  # a site's scaffold, which no page links to
                assert content == told_by_hand(*DAYS)[1][name], name
    assert run_daily(path, date=LAST).exit_code in (0, 3)
    assert (contents(tmp_path / "war.gpkg"), pages(tmp_path / "out")) == told_by_hand(*DAYS)
    assert not leftovers(tmp_path)


def test_the_second_of_two_runs_ends_at_once_and_says_so(server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server)
    with locked(tmp_path / "out" / ".daily.lock", "another"):
        with pytest.raises(BusyError):
            run_daily(path)
        done = CliRunner().invoke(main, ["daily", str(path)])
        assert done.exit_code == 5
        assert "another run has this in hand" in done.output
    assert not server.asked


def test_a_page_that_somebody_changed_or_took_away_is_made_anew(server: Server, tmp_path: Path) -> None:
    path = desk(tmp_path, server)
    run_daily(path, date=LAST)
    page, timeline = tmp_path / "out" / LAST / "map.html", tmp_path / "out" / "timeline.html"
    whole = page.read_bytes()
    page.write_bytes(whole[:1000])
    timeline.unlink()
    done = run_daily(path, date=LAST)
    assert outcomes(done) == {**dict.fromkeys(ALL, "as before"), "map": "new", "timeline": "new"}
    assert page.read_bytes() == whole
    (tmp_path / "out" / ".daily.json").write_text("{")
    with pytest.raises(ArchiveError, match=r"damaged.*delete it"):
        run_daily(path, date=LAST)


def test_without_a_date_the_last_snapshot_says_it_and_a_new_file_makes_a_new_day(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk(tmp_path, server, 'archive = "war.gpkg"\noutput = "out"\n[[import]]\nsource = "vector"\nfolder = "in"\n'
                'config = "columns.toml"\npattern = "*.geojson"\n[figures]\ncontroller = "UA"\n')  # fmt: skip
    (tmp_path / "columns.toml").write_text((SEEDS / "control.toml").read_text())
    assert "no such folder" in run_daily(path).summary()
    (tmp_path / "in").mkdir()
    assert run_daily(path).outcome == "failed"
    (tmp_path / "in" / f"{DAYS[0]}.geojson").write_bytes(seed(DAYS[0]))
    (tmp_path / "in" / "notes.txt").write_text("not for the archive")
    first = run_daily(path)
    assert (first.outcome, first.date) == ("done", DAYS[0])
    assert sorted(p.name for p in (tmp_path / "out" / DAYS[0]).iterdir()) == ["figures-area.csv", "figures.json"]
    (tmp_path / "in" / f"{DAYS[1]}.geojson").write_bytes(seed(DAYS[1]))
    (tmp_path / "in" / "2024-08-30.geojson").write_bytes(b"{}")
    second = run_daily(path)
    assert (second.outcome, second.date) == ("done in part", DAYS[1])
    assert "in/2024-08-30.geojson" in second.summary()
    assert f"{DAYS[0]} to {DAYS[1]}: gained" in second.summary()
    (tmp_path / "in" / "2024-08-30.geojson").unlink()
    assert run_daily(path).outcome == "nothing new"


def test_the_summary_is_short_and_every_figure_has_its_date_and_source(server: Server, tmp_path: Path) -> None:
    many = "".join(f'[[figures]]\nname = "f{n}"\nby = "native"\n' for n in range(8))
    path = desk(tmp_path, server, PLAN.partition("[figures]")[0] + many)
    server.give("/2024-08-13.geojson", Answer(b"<html>\x1b[31mred\x1b[0m"))
    done = CliRunner().invoke(main, ["daily", str(path), "--date", LAST])
    assert done.exit_code == 4
    lines = done.stdout.strip().splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith(f"{LAST}: done in part")
    assert lines[1].startswith("failed: fetch vector")
    figures = [line for line in lines if "km²" in line]
    assert figures
    for line in figures:
        assert LAST in line
        assert "source seeds" in line
    assert "credit: geo-control contributors, illustrative (CC BY 4.0)" in lines[-1]
    assert "\x1b" not in done.stdout
    assert re.search(r"… and \d+ lines more", done.stdout)


def test_the_command_line_speaks_json_and_can_be_quiet(server: Server, tmp_path: Path) -> None:
    path = str(desk(tmp_path, server, PLAN.partition("[map]")[0]))
    done = CliRunner().invoke(main, ["daily", path, "--date", LAST, "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
    done = CliRunner().invoke(main, ["daily", path, "--date", LAST, "--format", "json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["outcome"], told["exit_code"]) == (3, "nothing new", 3)
    assert [step["name"] for step in told["steps"]] == list(ALL[:2])
    assert CliRunner().invoke(main, ["daily"]).exit_code == 2
    assert CliRunner().invoke(main, ["daily", path, "--date", "2024-13-01"]).exit_code != 0
    done = CliRunner().invoke(main, ["daily", str(tmp_path / "none.toml")])
    assert done.exit_code == 1
    assert "none.toml" in done.output


# -- the plan ------------------------------------------------------------------------------------------------------


def test_the_example_is_a_plan_and_names_every_key(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["daily", "--example"])
    assert done.exit_code == 0
    (tmp_path / "desk.toml").write_text(done.stdout)
    assert read_plan(tmp_path / "desk.toml").contact == "desk@example.org"
    # with every choice taken, but those that need other files
    lines = [line.removeprefix("# ") if re.match(r"# [\[a-z]", line) and "config" not in line else line
             for line in done.stdout.splitlines()[3:]]  # fmt: skip
    (tmp_path / "desk.toml").write_text("\n".join(line for line in lines if not re.match(r"[A-Z]", line)))
    plan = read_plan(tmp_path / "desk.toml")
    assert {kind for kind, _ in plan.outputs} == set(OUTPUTS)
    assert plan.imports
    for table, keys in KEYS.items():
        for key in keys:
            assert re.search(rf"^(# )?{key} = ", done.stdout, re.M), f"{table} {key}"


HEAD = 'archive = "a.gpkg"\noutput = "out"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("archive = 1", "archive is 1: a text"),
        (HEAD, "nothing is to be done"),
        ('output = "out"\n[map]\n', "lacks archive"),
        (HEAD + 'colour = "red"\n[map]\n', r"'colour' means nothing here; the known ones: archive, .*\[fetch\]"),
        (HEAD + '[maps]\n', "'maps' means nothing here"),
        (HEAD + '[map]\nunit = "Kursk"\n', r"\[map\] 'unit' means nothing here; the known ones: name, source, within"),
        (HEAD + '[map]\nlang = "xx"\n', r"\[map\] lang is 'xx': one of en, uk, ru, de"),
        (HEAD + '[map]\nsince = "yesterday"\n', r"since is 'yesterday': a date is wanted.*7 days"),
        (HEAD + "[map]\nincident_days = 0\n", "incident_days is 0: a whole number from 1"),
        (HEAD + '[map]\nname = "../x"\n', "a plain word"),
        (HEAD + '[[map]]\n[[map]]\nfront = "no"\n', r"\[map\] number 2: front is 'no': true or false"),
        (HEAD + "[[map]]\n[[map]]\n", "two outputs would be called 'map'"),
        (HEAD + 'map = "yes"\n', r"map is a table: write \[map\]"),
        (HEAD + '[figures]\nstatus = ["owned"]\n', "a list is wanted, of held, claimed"),
        (HEAD + '[picture]\nshape = "poster"\n', "poster.* is unknown: slide, square, column, card, a4"),
        (HEAD + '[map]\nview = "north"\n', "one of changes, ground, unit, all is wanted"),
        (HEAD + '[site]\npatterns = "yes"\n', "true or false"),
        (HEAD + '[brief]\nformats = []\n', "a list is wanted, of html, md, docx, pptx"),
        (HEAD + "[timeline]\nfrom = 7\n", "from is 7: a date"),
        (HEAD + "max_age_days = -1\n[map]\n", "max_age_days is -1: a number above 0"),
        (HEAD + "[fetch]\n", r"\[fetch\] lacks source"),
        (HEAD + '[fetch]\nsource = "gdelt"\n', "no address is known for 'gdelt'"),
        (HEAD + '[import]\nsource = "word"\nfolder = "in"\n', "source is 'word': one of acled"),
        (HEAD + '[import]\nsource = "vector"\nfolder = "in"\nconfig = "none.toml"\n', "none.toml"),
        (HEAD + '[fetch]\nsource = "nzz"\n', "--contact|GEO_CONTACT"),
    ],
)  # fmt: skip
def test_a_wrong_plan_is_named_with_what_is_wanted(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEO_CONTACT", raising=False)
    (tmp_path / "desk.toml").write_text(text)
    with pytest.raises((UsageError, FileError), match=words):
        run_daily(tmp_path / "desk.toml")
    assert not (tmp_path / "out").exists()


def test_days_before_are_counted_from_the_date() -> None:
    assert resolve_since("7 days", "2025-01-03") == "2024-12-27"
    assert resolve_since("1 day", "2025-03-01") == "2025-02-28"
    assert resolve_since("2024-08-01", "2025-01-03") == "2024-08-01"
    assert resolve_since(None, "2025-01-03") is None


def test_the_example_ships_with_the_package() -> None:
    assert config.example().startswith("# A desk's day")


def from_a_folder(folder: Path, *days: str) -> Path:
    """A plan that takes the example's days in from a folder, and makes what does not take long."""
    (folder / "columns.toml").write_text((SEEDS / "control.toml").read_text())
    (folder / "in").mkdir()
    for day in days:
        (folder / "in" / f"{day}.geojson").write_bytes(seed(day))
    (folder / "desk.toml").write_text(
        'archive = "war.gpkg"\noutput = "out"\n[[import]]\nsource = "vector"\nfolder = "in"\nconfig = "columns.toml"\n'
        '[figures]\ncontroller = "UA"\nstatus = ["held"]\nsince = "4 days"\n[timeline]\n'
    )
    return folder / "desk.toml"


def test_on_the_first_day_there_are_areas_and_it_is_said_that_no_date_is_before(tmp_path: Path) -> None:
    done = run_daily(from_a_folder(tmp_path, DAYS[0]))
    assert done.outcome == "done"
    assert f"km² on {DAYS[0]}" in done.summary()
    assert f"the first snapshot of seeds depicts {DAYS[0]}, after 2024-08-08" in done.summary()
    told = json.loads((tmp_path / "out" / DAYS[0] / "figures.json").read_text())
    assert told["area"]
    assert "change" not in told


def test_a_period_is_named_by_the_maps_that_it_was_measured_on(tmp_path: Path) -> None:
    said = run_daily(from_a_folder(tmp_path, *DAYS)).summary()
    assert f"UA held, {DAYS[0]} to {DAYS[2]} (the last maps by 2024-08-17 and {DAYS[2]}): gained" in said


def test_a_change_rests_on_no_map_that_the_plan_calls_too_old(tmp_path: Path) -> None:
    plan = from_a_folder(tmp_path, *DAYS)
    plan.write_text(f"max_age_days = 1\n{plan.read_text()}".replace("[timeline]\n", ""))
    assert "within 1 day of 2024-08-17" in run_daily(plan).summary()
    told = json.loads((tmp_path / "out" / DAYS[2] / "figures.json").read_text())
    assert told["area"]
    assert "change" not in told


def test_an_earlier_date_takes_no_later_one_out_of_the_timeline(tmp_path: Path) -> None:
    plan = from_a_folder(tmp_path, *DAYS)
    run_daily(plan)
    page = (tmp_path / "out" / "timeline.html").read_bytes()
    earlier = run_daily(plan, date=DAYS[1])
    assert (tmp_path / "out" / "timeline.html").read_bytes() == page
    assert f"timeline goes on to {DAYS[2]}, as it did: {DAYS[1]} takes no later date away" in earlier.summary()
    assert (tmp_path / "out" / DAYS[1] / "figures.json").exists()
