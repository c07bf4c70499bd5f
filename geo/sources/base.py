"""What every reader is: a record of whom to credit, and a function from a file to what it holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo.schema import Kind, Options, Rows, Snapshot, Source


@dataclass(frozen=True)
class Reader:
    """A source's own way of writing files."""

    source: Source
    kind: Kind
    read: Callable[[Path, Options], Sequence[Snapshot] | Rows]
