"""What every test may use: the real files, where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files of real sources; absent on most machines."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the real source files of ../shared/data, which are not part of the project")
    return SHARED / "data"
