"""The tool about itself: the documents without a network, whether an installation is whole, completion."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

import geo
from geo import errors
from geo.cli import main
from geo.cli import support as doctor
from geo.cli import support as offline_docs
from geo.output.html import page

ROOT = Path(__file__).resolve().parents[1]


def test_every_error_has_a_section_that_help_shows() -> None:
    leaves = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.GeoError)]
    assert len(leaves) > 5
    for leaf in leaves:
        if leaf is not errors.GeoError:
            assert offline_docs.read(leaf("x").page).startswith(f"## {leaf.__name__}\n")


def test_an_error_on_the_command_line_names_its_page(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["area", str(tmp_path / "none.gpkg")])
    assert done.exit_code == 2
    first, second = done.stderr.splitlines()
    assert "no such archive" in first
    topic = second.rpartition("geo help ")[2]
    assert CliRunner().invoke(main, ["help", topic]).output.startswith("## UsageError")


def test_help_lists_every_page_and_gives_one() -> None:
    pages = {p.relative_to(ROOT / "docs").with_suffix("").as_posix() for p in (ROOT / "docs").rglob("*.md")}
    assert set(offline_docs.topics()) == pages
    assert CliRunner().invoke(main, ["help"]).output.count("\n") == len(pages)
    whole = CliRunner().invoke(main, ["help", "howto/embed"]).output
    assert whole.strip() == (ROOT / "docs" / "howto" / "embed.md").read_text(encoding="utf-8").strip()


def test_the_pages_of_verbs_and_names_are_readable_in_a_terminal() -> None:
    verbs = CliRunner().invoke(main, ["help", "verbs"]).output
    names = CliRunner().invoke(main, ["help", "api"]).output
    for text in (verbs, names, CliRunner().invoke(main, ["help", "index"]).output):
        assert "```{" not in text
        assert ":::" not in text
    assert all(f"## {name}\n" in verbs for name, verb in main.commands.items() if not verb.hidden)
    assert all(f"geo.{name}" in names for name in geo.__all__ if name != "__version__")


@pytest.mark.parametrize("topic", ["nothing", "limits#nothing", "../README", "/etc/passwd"])
def test_help_for_what_is_not_there_lists_what_is(topic: str) -> None:
    done = CliRunner().invoke(main, ["help", topic])
    assert done.exit_code == 2
    assert "there are: " in done.stderr


def test_every_page_stands_in_the_contents() -> None:
    contents = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    for name in offline_docs.topics().keys() - {"index"}:
        assert name in contents, f"docs/{name}.md is in no toctree of docs/index.md"


def test_doctor_finds_this_installation_whole() -> None:
    done = CliRunner().invoke(main, ["doctor", "--format", "json"])
    assert done.exit_code == 0, done.output
    rows = {row["what"]: row for row in json.loads(done.output)["rows"]}
    needed = [Requirement(r) for r in requires("geo-control") or () if "extra ==" not in r]
    assert needed
    for requirement in needed:
        assert rows[requirement.name]["state"] == "ok"
    assert rows["SQLite"]["version"]


def test_doctor_says_what_is_missing_and_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def version(name: str) -> str:
        if name in ("orjson", "matplotlib"):
            raise PackageNotFoundError(name)
        return "0.0.1" if name == "shapely" else "999"

    monkeypatch.setattr("importlib.metadata.version", version)
    monkeypatch.setattr("geo.output.html.page.ASSETS", tmp_path)
    monkeypatch.setattr("geo.output.html.page.asset", page.asset.__wrapped__)
    found = {f.what: f for f in doctor.examine()}
    assert found["orjson"].state == "missing"
    assert found["matplotlib"].state == "optional"
    assert "geo-control[pictures]" in found["matplotlib"].note
    assert found["shapely"].state == "wrong"
    assert found["scripts and styles"].state == "missing"
    assert doctor.faulty(list(found.values()))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert "_GEO_COMPLETE" in done.output


def test_a_shell_completes_verbs_and_options() -> None:
    environment = {"_GEO_COMPLETE": "bash_complete", "COMP_WORDS": "geo ch", "COMP_CWORD": "1", "PATH": ""}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "geo")], env=environment, capture_output=True, text=True, check=False
    )
    assert {"plain,change", "plain,chart"} <= set(done.stdout.split())
