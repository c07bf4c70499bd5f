"""Everything that is read is spoiled first: sources, all else that people hand in, our own records, archives. Each ends in success or a GeoError, within 2 s and 512 MB more than at rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geo.sources import KNOWN
from tests.fuzzing import archives, inputs, states
from tests.fuzzing.corpus import OWN, SHARED

ROOT = Path(__file__).resolve().parents[1]
# what the tool reads beside sources, in two processes: most of the time goes into starting one
GROUPS = {"handed in": inputs.TARGETS, "kept": {**states.TARGETS, **archives.TARGETS}}
# the few are the first of the many
FEW, MANY = 40, int(os.environ.get("GEO_FUZZ", "1000"))
ALL = 2000  # of which each kind of a group has its share


def reports_of(*args: str) -> list[dict[str, Any]]:
    """What a process that fuzzes says of each of its kinds; without a fault."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing.run", *args], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr[-2000:]
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    for report in reports:
        assert not report["faults"], json.dumps(report, indent=1)[:4000]
    return reports


@pytest.mark.parametrize(
    ("sources", "count"),
    [
        (tuple(KNOWN), FEW),
        *(pytest.param(tuple(KNOWN)[part::3], MANY, marks=pytest.mark.long) for part in range(3)),
    ],
    ids=lambda v: v[0] if isinstance(v, tuple) else str(v),
)
def test_spoiled_files_are_read_or_refused(sources: tuple[str, ...], count: int) -> None:
    there = [source for source in sources if source in OWN or SHARED.is_dir()]
    if not there:
        pytest.skip("needs the real files of ../shared/data: this kind has no seed of our own")
    reports = reports_of(*there, "--inputs", str(count))
    assert [report["source"] for report in reports] == there
    for report in reports:
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


@pytest.mark.long
@pytest.mark.parametrize("group", GROUPS)
def test_all_else_that_is_spoiled_is_read_or_refused(group: str) -> None:
    reports = reports_of(*GROUPS[group], "--share", str(MANY / ALL))
    assert [report["source"] for report in reports] == list(GROUPS[group])
    for report in reports:
        assert report["read"], report
        # texts and tags are never refused: what cannot be read in them is no place, no figure, nobody
        assert report.get("refused") or report["source"] in ("geocode", "claim", "request", "tag"), report
