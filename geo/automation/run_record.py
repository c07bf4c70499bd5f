"""What a daily run did: its steps, its summary, and the journal by which the next run does only what is missing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from geo.errors import ArchiveError, FileError, GateError
from geo.formats.geojson import read_json
from geo.storage.atomic_write import write_page

LINES = 15  # a summary has room for so many
_NAMED = 6  # files of one step that it names


def load_record(path: Path) -> dict[str, Any]:
    """What the tool wrote down in a JSON file of its own; empty where there is none."""
    if not path.exists():
        return {}
    try:
        found = read_json(path)
    except GateError as error:
        raise FileError(str(error)) from None
    if not isinstance(found, dict):
        raise FileError(f"{path}: a JSON {type(found).__name__}, not an object")
    return found


@dataclass(frozen=True)
class StepResult:
    """The files of one output, and what the summary says of it, each figure with its date and source."""

    files: tuple[Path, ...]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    name: str
    outcome: str
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Daily:
    """What became of a day's round."""

    plan: str
    archive: str
    date: str
    outcome: str
    exit_code: int
    steps: tuple[Step, ...] = ()
    credits: tuple[str, ...] = field(default_factory=tuple)

    def summary(self) -> str:
        """The round in at most fifteen lines of plain text, failures first, for a mail or a chat."""
        failed = [s for s in self.steps if s.outcome == "failed"]
        new = [s.name for s in self.steps if s.outcome == "new"]
        lines = [
            f"{self.date or 'no date'}: {self.outcome}; {len(new)} of {len(self.steps)} steps brought something new"
        ]
        lines += [f"failed: {s.name}: {' '.join(s.error.split())[:300]}" for s in failed]
        lines += [line for s in self.steps for line in s.lines]
        made = [name for s in self.steps if s.outcome == "new" for name in _shortly(s.files)]
        tail = [f"made: {', '.join(made)}"[:600]] if made else []
        tail += [f"credit: {'; '.join(self.credits)}"[:600]] if self.credits else []
        room = LINES - len(tail)
        if len(lines) > room:
            lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} lines more: geo daily --format json says all"]
        return "\n".join([*lines, *tail])


def as_record(daily: Daily) -> dict[str, Any]:
    return {**asdict(daily), "summary": daily.summary()}


def _shortly(files: tuple[str, ...]) -> list[str]:
    """The names of a step's files; of a site its folder alone."""
    folder = os.path.commonpath(files) if files else ""
    return list(files) if len(files) <= _NAMED else [f"{folder}/ ({len(files)} files)"]


def _are_texts(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


def _is_state(entry: Any) -> bool:
    return _are_texts(entry) and {"state", "date"} <= entry.keys()


def _is_sound(entry: Any) -> bool:
    """Whether an entry of the journal is as `Journal.note_made` writes it; files lie inside the output's folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("inputs"), str) or not _are_texts(entry.get("files")):
        return False
    lines = entry.get("lines")
    paths = [PurePosixPath(name) for name in entry["files"]]
    inside = not any(path.is_absolute() or ".." in path.parts or "\0" in str(path) for path in paths)
    return inside and isinstance(lines, list) and all(isinstance(line, str) for line in lines)


class Journal:
    """What earlier rounds did: which files were taken in, what was made of what. Written whole after every step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            found = load_record(path)
        except FileError as error:
            raise ArchiveError(f"damaged: {error}: delete it, and everything is made anew") from error
        self.taken: dict[str, str] = found.get("taken", {})
        self.made: dict[str, dict[str, Any]] = found.get("made", {})
        self.watched: dict[str, dict[str, str]] = found.get("watched", {})
        sound = isinstance(self.made, dict) and all(map(_is_sound, self.made.values()))
        seen = isinstance(self.watched, dict) and all(map(_is_state, self.watched.values()))
        if not (_are_texts(self.taken) and sound and seen):
            raise ArchiveError(f"{path}: damaged: delete it, and everything is made anew")

    def last_date(self, kind: str, name: str) -> str:
        """The latest date for which an output was made; "" where it never was."""
        return max((key[:10] for key in self.made if key[10:] == f" {kind} {name}"), default="")

    def note_taken(self, name: str, digest: str) -> None:
        self.taken[name] = digest
        self._write()

    def note_made(self, key: str, inputs: str, files: Mapping[str, str], made: StepResult) -> None:
        self.made[key] = {"inputs": inputs, "files": dict(files), "lines": list(made.lines)}
        self._write()

    def note_watched(self, key: str, state: str, date: str) -> None:
        self.watched[key] = {"state": state, "date": date}
        self._write()

    def _write(self) -> None:
        whole = {"taken": self.taken, "made": self.made, **({"watched": self.watched} if self.watched else {})}
        text = json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True)
        write_page(text, self._path)
