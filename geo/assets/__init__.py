"""The data, styles and scripts that ship with the package."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parent


@cache
def read_toml(name: str) -> dict[str, Any]:
    """A shipped table, by its path below this folder; read once, not to be changed."""
    return tomllib.loads((ASSETS / name).read_text(encoding="utf-8"))
