"""What a word of a file means: a controller and a status, as the user's mapping says."""

from __future__ import annotations

from collections.abc import Mapping

from geo.errors import GateError
from geo.schema import STATUSES


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
