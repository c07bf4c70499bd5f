"""Everything that is read is spoiled first: sources, all else that people hand in, our own records, archives. Each ends in success or a GeoError, within 2 s and 512 MB more than at rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from geo.sources import KNOWN
from tests.fuzzing import archives, inputs, states
from tests.fuzzing.corpus import OWN, SHARED

ROOT = Path(__file__).resolve().parents[1]
# what the tool reads beside sources, in two processes: most of the time goes into starting one
GROUPS = {"handed in": inputs.TARGETS, "kept": {**states.TARGETS, **archives.TARGETS}}
FEW, MANY = 100, 2000
LENGTHS = (FEW, pytest.param(MANY, marks=pytest.mark.long))
SHARES = (4 * FEW, pytest.param(MANY, marks=pytest.mark.long))  # each kind of a group has a part of these


@pytest.mark.parametrize("count", LENGTHS)
@pytest.mark.parametrize("source", KNOWN)
def test_spoiled_files_are_read_or_refused(source: str, count: int) -> None:
    if source not in OWN and not SHARED.is_dir():
        pytest.skip("needs the real files of ../shared/data: this kind has no seed of our own")
    command = [sys.executable, "-m", "tests.fuzzing.run", source, "--inputs", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert not report["faults"], json.dumps(report["faults"], indent=1)[:4000]
    assert report["inputs"] == count
    assert min(report.get("read", 0), report.get("refused", 0)) >= count / 200, report  # both ways were tried


@pytest.mark.long
@pytest.mark.parametrize("source", KNOWN)
def test_files_made_to_cost_much_end_within_their_budget(source: str) -> None:
    command = [sys.executable, "-m", "tests.fuzzing.structures", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout or done.stderr[-2000:])
    assert not report["faults"], json.dumps(report["faults"], indent=1)[:4000]
    assert report["files"] >= 20


@pytest.mark.parametrize("count", SHARES)
@pytest.mark.parametrize("group", GROUPS)
def test_all_else_that_is_spoiled_is_read_or_refused(group: str, count: int) -> None:
    share = str(count / MANY)
    command = [sys.executable, "-m", "tests.fuzzing.run", *GROUPS[group], "--share", share]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["source"] for report in reports] == list(GROUPS[group]), done.stderr[-2000:]
    for report in reports:
        assert not report["faults"], json.dumps(report, indent=1)[:4000]
        assert report["read"], report
        # texts and tags are never refused: what cannot be read in them is no place, no figure, nobody
        assert report.get("refused") or report["source"] in ("geocode", "claim", "request", "tag"), report
