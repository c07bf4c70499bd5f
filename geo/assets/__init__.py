"""The data, styles and scripts that ship with the package."""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parent
