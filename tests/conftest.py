"""What every test may use: the real files, where they are. In CI, a skip that nobody allowed fails the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
ALLOWED = Path(__file__).with_name("allowed_skips.txt")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files of real sources; absent on most machines."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real source files of ../shared/data, which are not part of the project")
    return SHARED / "data"


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
