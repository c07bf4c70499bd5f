"""Settings and records as documents of plain values: TOML that people write, JSON that the tool keeps for itself."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from geo.errors import FileError, GateError
from geo.formats.geojson import MIB, read_bytes, read_json

TOML_LIMIT = 1 * MIB


def load_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says."""
    try:
        return tomllib.loads(read_bytes(path, limit=TOML_LIMIT).decode("utf-8-sig"))
    except RecursionError:
        raise FileError(f"{path}: brackets nested too deeply: no settings need that") from None
    except ValueError as error:  # also a number of thousands of digits
        raise FileError(f"{path}: not TOML in UTF-8: {error}") from None


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
