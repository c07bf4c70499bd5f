"""Folders that ship beside the code: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from geo.errors import GeoError


def shipped_folder(name: str, *, sign: str, what: str) -> Path:
    """The folder of this name.

    Parameters
    ----------
    name : str
        Of the folder.
    sign : str
        A file that stands in it: a folder of this name without that file is somebody else's.
    what : str
        What is missing where the folder is, as a sentence begins.

    Raises
    ------
    GeoError
        It is in neither place: the installation is incomplete.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / name, here.parent / name):
        if (folder / sign).is_file():
            return folder
    raise GeoError(f"{what} missing beside {here}: install geo-control again")
