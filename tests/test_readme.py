"""Every command and block of the README and the docs is run as it stands."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from geo.automation.addresses import find_address
from geo.automation.config import read_plan
from geo.cli import demo, main
from geo.sources.vector import read_toml

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(kind: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found += [(page.name, b) for b in re.findall(rf"^```{kind}\n(.*?)^```", text, flags=re.M | re.S)]
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    list(demo.run(folder))
    return folder


def test_the_first_command_ends_with_the_demo(built: Path) -> None:
    first, second = (b for name, b in blocks("sh") if name == "README.md")
    assert first.strip().endswith(".venv/bin/geo demo")
    assert "python3 -m venv .venv" in first
    assert second.strip().startswith(".venv/bin/pip install")
    assert ".venv/bin/pytest" in second
    assert len(first.strip().splitlines()) == len(second.strip().splitlines()) == 1


def test_the_demo_prints_its_figures_and_writes_its_files(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert re.search(r"held 11 Jan 2025: \d+ km²", done.output)
    assert re.search(r"since the peak of 2024-\d\d-\d\d", done.output)
    assert re.search(
        r'claim: Ukraine still holds "more than 500".*\n  By Illus[^:]*: contradicts by held \(417 km²\); supports only if',
        done.output,
    )
    assert re.search(r'"some 40 percent".*\n  By Illus[^:]*: contradicts by held \(52\.8 percent\)', done.output)
    assert "883.6 km² (the most up to then, 10 September 2024) → 416.7 km²" in done.output
    assert (tmp_path / "data" / "kursk.gpkg").stat().st_size > 0
    assert "<title>Ukraine holds 417 km² of Kursk region, 467 km² less than on 10 September 2024</title>" in (
        tmp_path / "maps" / "2025-01-11.html"
    ).read_text(encoding="utf-8")
    before = (tmp_path / "maps" / "2025-01-11.html").read_bytes()
    assert CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "maps" / "2025-01-11.html").read_bytes() == before


def lessons() -> list[Path]:
    """The pages that have anything to run; the gallery's commands run whenever the documents are built."""
    return [
        p
        for p in PAGES
        if p.stem != "gallery" and re.search(r"^```(python|sh)$", p.read_text(encoding="utf-8"), flags=re.M)
    ]


# pages in which a command is worth waiting for: they measure, or draw and read page after page
LONG = (
    "another-conflict", "care", "check-a-figure", "embed", "growth", "live-blog", "maps", "own-templates", "qgis", "r",
    "reading", "site", "tutorial",
)  # fmt: skip


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=pytest.mark.long) if p.stem in LONG else p for p in lessons()], ids=lambda p: p.stem
)
def test_every_block_of_a_page_runs_one_after_the_other(page: Path, built: Path, tmp_path: Path) -> None:
    """In a folder that has the example; the README's two commands install, and are tried by CI itself."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    found = re.findall(r"^```(python|sh)\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for kind, code in found:
        if kind == "sh" and page.name == "README.md":
            continue
        command = [sys.executable, "-c", code] if kind == "python" else ["bash", "-euo", "pipefail", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        assert done.stdout.strip(), f"it prints nothing:\n{code}"


def test_the_blocks_in_r_run_on_what_the_commands_above_them_write(built: Path, tmp_path: Path) -> None:
    look = ["Rscript", "-e", "library(sf)"]
    if not shutil.which("Rscript") or subprocess.run(look, capture_output=True, check=False).returncode:
        pytest.skip("no R with sf on this machine")
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    text = (ROOT / "docs" / "howto" / "r.md").read_text(encoding="utf-8")
    for kind, code in re.findall(r"^```(sh|r)\n(.*?)^```", text, flags=re.M | re.S):
        command = ["bash", "-euo", "pipefail", "-c", code] if kind == "sh" else ["Rscript", "-e", code]
        environment = {**os.environ, "PATH": path}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stderr[-2000:]}"
    assert "416.7" in done.stdout


@pytest.mark.parametrize(("page", "text"), blocks("toml"))
def test_toml_blocks_are_read(page: str, text: str, tmp_path: Path) -> None:
    assert tomllib.loads(text)
    (tmp_path / "desk.toml").write_text(text, encoding="utf-8")
    if "watch" in tomllib.loads(text):
        (tmp_path / "desk.toml").write_text(f'archive = "a.gpkg"\noutput = "out"\n{text}', encoding="utf-8")
        assert read_plan(tmp_path / "desk.toml").watches
        return
    if "archive" in tomllib.loads(text):
        assert read_plan(tmp_path / "desk.toml").outputs
        return
    if "fetch" in tomllib.loads(text):
        assert find_address("vector", config=tmp_path / "desk.toml").source == "ours"
        return
    source, options = read_toml(tmp_path / "desk.toml")
    assert source is not None
    assert options.date


def commands() -> list[tuple[str, str]]:
    return [
        (page, line[2:]) for page, block in blocks("console") for line in block.splitlines() if line.startswith("$ ")
    ]


@pytest.mark.parametrize(("page", "line"), commands())
def test_console_commands_are_calls_that_the_command_line_takes(page: str, line: str, built: Path) -> None:
    """The files in them are the reader's own: what stands in for them is checked by parsing, not by running."""
    words = shlex.split(line)
    assert words[0] == "geo"
    verb = main.commands[words[1]]
    context = verb.make_context(words[1], list(words[2:]), resilient_parsing=False)
    assert context.params.get("archive") or context.params["plan"]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("http") and f" -o {target}\n" not in text:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_docs_map_every_word_that_the_readers_know() -> None:
    from geo.presentation.statuses import STATUSES
    from geo.sources import KNOWN
    from geo.sources.deepstate import FILLS
    from geo.sources.isw import PARTS

    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    for word in (*KNOWN, *FILLS, *PARTS):
        assert f"`{word}`" in text, word
    conventions = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    for status in STATUSES:
        assert f"| `{status}` |" in conventions


def test_the_wheel_would_carry_the_seeds_and_assets() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {
        "seeds": "geo/seeds",
        "docs": "geo/docs",
    }
    for name in ("map.js", "map.css", "credits.json", "basemap/basemap.zip", "units/countries.geojson"):
        assert (ROOT / "geo" / "assets" / name).is_file()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
