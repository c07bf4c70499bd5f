"""What every reader is: a record of whom to credit, and a function from a file to what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from geo.errors import GateError
from geo.presentation.statuses import STATUSES
from geo.schema import Kind, Options, Rows, Snapshot, Source


@dataclass(frozen=True)
class Reader:
    """A source's own way of writing files."""

    source: Source
    kind: Kind
    read: Callable[[Path, Options], Sequence[Snapshot] | Rows]
    theatre: tuple[str, ...] = ()  # ISO codes of the countries that its maps show, where they show only some


def day_number(text: str) -> str | None:
    """The day that a number may mean which a spreadsheet wrote for a date; None where it can be none."""
    if not re.fullmatch(r"\d{5}(?:\.\d+)?", text.strip()) or not 20_000 <= float(text) < 80_000:
        return None
    return (date(1899, 12, 30) + timedelta(days=int(float(text)))).isoformat()


def parse_meaning(text: str, *, word: str) -> tuple[str | None, str]:
    """Read the right-hand side of a mapping: ``held``, ``RU:held``, ``contested``."""
    controller, _, status = text.strip().rpartition(":")
    if status.strip().lower() not in STATUSES:
        raise GateError(
            f"--status-map {word}={text}: status {status.strip()!r} is unknown; write {word}=held or {word}=RU:held,"
            f" with one of {', '.join(STATUSES)}"
        )
    return controller.strip() or None, status.strip().lower()


def meanings(statuses: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """A user's whole mapping, keyed by the word in lower case."""
    return {word.strip().casefold(): parse_meaning(text, word=word) for word, text in statuses.items()}
