"""Files under another name until they are whole: nothing half-written stays, and nothing of a dead process."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from geo.storage import atomic_write
from geo.storage.atomic_write import aside, locked, new_folder, new_name

GEO = Path(atomic_write.__file__).parents[1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_fails_leaves_the_old_file_and_no_other(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(error), aside(path) as temporary:
        temporary.write_text("half")
        raise error
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"page.html": "old"}
    with aside(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"page.html": "new"}


def test_a_folder_made_for_nothing_goes_and_one_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "there" / "a" / "b"):
        assert (tmp_path / "there" / "a" / "b").is_dir()
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.rglob("*")] == ["there"]
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "theirs").write_text("of somebody else")
        raise KeyboardInterrupt
    assert (tmp_path / "a" / "b" / "theirs").exists()


def test_what_a_dead_process_left_is_taken_away_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    mine = new_name(tmp_path / "a.gpkg")
    theirs = [mine.name.replace(f".{os.getpid()}.", f".{dead.pid}.") + end for end in ("", "-wal", "-journal")]
    others = [mine.name, "a.gpkg", f".a.gpkg.{dead.pid}.new", f".a.gpkg.00000000.{dead.pid}.1.new", "a.gpkg-wal"]
    for name in (*theirs, f".{theirs[0]}.writer", *others):
        (tmp_path / name).write_text("")
    atomic_write._sweep.cache_clear()
    new_name(tmp_path / "b.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(others)


def test_a_lock_in_a_folder_of_its_own_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "a.files" / "source" / ".lock"
    with locked(path, "a run"):
        assert path.exists()
    assert not list(tmp_path.iterdir())
    with locked(path, "a run"):
        (path.parent / "fetched").write_text("")
    assert path.exists()


# (folder, call) of what writes elsewhere, and why it may
ELSEWHERE = {
    ("automation", "open"): "under another name, by fetch",
    ("formats", "copyfile"): "a copy in a temporary folder, for GDAL",
    ("formats", "write_bytes"): "a copy in a temporary folder, for GDAL",
    ("importing", "write_bytes"): "a frame, or what a gzip file holds, in a temporary folder",
    ("importing", "write_text"): "inside aside, or a frame in a temporary folder",
    ("output", "open"): "inside aside",
    ("output.site", "write_bytes"): "in the staging folder, behind the journal",
    ("output.site", "write_text"): "in the staging folder, behind the journal",
    ("storage", "write_bytes"): "atomic_write itself",
    ("storage", "write_text"): "the writer's tag, and the process that holds a lock",
}
WRITING = {"write_text", "write_bytes", "to_file", "to_excel", "copyfile", "copy2", "move"}


def writes(path: Path) -> set[str]:
    """Calls of a module that write to a file by its name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        modes = [a.value for a in (*node.args, *(k.value for k in node.keywords)) if isinstance(a, ast.Constant)]
        if name in WRITING:
            found.add(name)
        if name == "open" and any(m in ("w", "wb", "a", "ab", "x", "xb", "r+", "w+") for m in modes):
            found.add("open")
    return found


def test_every_file_is_written_under_another_name_first() -> None:
    found = {
        (".".join(path.relative_to(GEO).parent.parts), call)
        for path in sorted(GEO.rglob("*.py"))
        if "assets" not in path.parts
        for call in writes(path)
    }
    assert found == set(ELSEWHERE)
