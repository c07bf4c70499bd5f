"""Folders that ship beside the code: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from geo.errors import GeoError


def shipped_folder(name: str, *, sign: str, what: str) -> Path:
    """The folder of this name."""
    here = Path(__file__).resolve().parent
    for folder in (here / name, here.parent / name):
        if (folder / sign).is_file():
            return folder
    raise GeoError(f"{what} missing beside {here}: install geo-control again")
