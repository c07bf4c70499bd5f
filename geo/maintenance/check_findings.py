"""What a look at an archive finds: faults, and notes that harm nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MEND = "geo repair writes a mended copy; the last backup may have it whole"
AGAIN = "import its file again into the mended copy"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    kind: Literal["fault", "note"]
    where: str
    what: str
    way_out: str = ""


@dataclass(frozen=True)
class Report:
    """What a look at an archive found."""

    archive: str
    layout: int | None
    looked_at: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether there is no fault."""
        return not any(one.kind == "fault" for one in self.findings)

    def as_record(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {**asdict(self), "is_whole": self.is_whole}

    def told(self) -> list[str]:
        """The report in words, a line a finding."""
        rows = ", ".join(f"{count:,} {name}" for name, count in self.looked_at.items() if count)
        faults = sum(one.kind == "fault" for one in self.findings)
        end = "whole" if not faults else f"{faults} fault{'s' if faults > 1 else ''}"
        lines = [
            f"{one.kind}: {one.where}: {one.what}{'. ' + one.way_out if one.way_out else ''}" for one in self.findings
        ]
        return [*lines, f"{self.archive}: {end}; layout {self.layout}; looked at {rows or 'nothing'}"]


def fault(where: str, what: str, way_out: str = MEND) -> Finding:
    """A finding that makes answers wrong or impossible."""
    return Finding("fault", where, what, way_out)


def note(where: str, what: str, way_out: str = "") -> Finding:
    """A finding that harms nothing."""
    return Finding("note", where, what, way_out)
