"""What every test may use: the real files, where they are. In CI, a skip that nobody allowed fails the run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from geo.storage.layout import LAYOUT

SHARED = Path(__file__).resolve().parents[2] / "shared"
ALLOWED = Path(__file__).with_name("allowed_skips.txt")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files of real sources; absent on most machines."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real source files of ../shared/data, which are not part of the project")
    return SHARED / "data"


# modules whose tests leave archives that must be whole, however they came about
WHOLE = frozenset(
    ("test_archive", "test_cli", "test_compatibility", "test_daily", "test_faults", "test_fetch", "test_ledger",
     "test_rules", "test_sources_deepstate", "test_sources_incidents", "test_sources_isw", "test_sources_nzz", "test_store")
)  # fmt: skip


@pytest.fixture(autouse=True)
def _archives_are_whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every archive that a test has made is looked at when the test has passed."""
    yield
    folder = request.node.funcargs.get("tmp_path")
    if request.module.__name__ not in WHOLE or folder is None:
        return
    from geo.care.checking import check_archive

    for path in sorted(folder.rglob("*.gpkg")):
        if not is_archive(path):
            continue
        report = check_archive(path)
        # some tests write below the intake, which is where sources are entered
        entered = request.module.__name__.startswith(("test_sources", "test_fetch", "test_daily"))
        faults = [f for f in report.findings if f.kind == "fault" and (entered or not f.where.startswith("source "))]
        assert not faults, f"{path} is not whole: {faults[:3]}"


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of today's layout or an older one, and not what a test makes of one on purpose."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            version = connection.execute("SELECT max(version) FROM layout").fetchone()[0]
            return bool(version) and version <= LAYOUT
    except sqlite3.Error:
        return False


def _skips(session: pytest.Session) -> list[str]:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    return [report.nodeid for report in reporter.stats.get("skipped", [])] if reporter else []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the real files are and this is CI, only the skips listed with their reasons are accepted."""
    if os.environ.get("GEO_CI") != "1" or not SHARED.is_dir() or hasattr(session.config, "workerinput"):
        return
    lines = ALLOWED.read_text(encoding="utf-8").splitlines()
    allowed = {line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()}
    unexpected = sorted({nodeid for nodeid in _skips(session) if nodeid not in allowed})
    if unexpected:
        print("\nskipped, and not on the list of tests/allowed_skips.txt:", *unexpected, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
