"""Verbs that help: the documents without a network, what an installation lacks, completion in a shell."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from geo import __version__
from geo.assets import ASSETS
from geo.cli.common import form_option, main
from geo.errors import GeoError, UsageError
from geo.output.console import show

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_SHELLS = ("bash", "zsh", "fish")


@main.command()
@form_option("table", "json")
@click.pass_context
def doctor(ctx: click.Context, form: str) -> None:
    """Check the installation: versions, libraries, what is missing."""
    import pandas as pd

    findings = examine()
    frame = pd.DataFrame([asdict(f) for f in findings])
    show(frame, form, title="this installation")
    ctx.exit(1 if faulty(findings) else 0)


@main.command("help")
@click.argument("topic", required=False)
def help_command(topic: str | None) -> None:
    """Read the documents, without a network.

    Their list, a page, or one section (PAGE#SECTION); or a verb's own help.
    """
    verb = main.commands.get(topic or "")
    if verb is not None and topic not in topics():
        parent = click.Context(main, info_name="geo", **main.context_settings)
        click.echo(verb.get_help(click.Context(verb, info_name=topic, parent=parent)))
        return

    if topic is None:
        for name, title in topics().items():
            click.echo(f"{name:24} {title}")
        return
    click.echo(read(topic, also=main.commands).rstrip("\n"))
    if verb is not None:
        click.echo(f"note: geo {topic} --help lists its options", err=True)


@main.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Completion of verbs and options for your shell.

    Use it so: eval "$(geo completion bash)".
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(main, {}, "geo", "_GEO_COMPLETE").source())


# what an extra is for, in the words of somebody who lacks it
USES = {
    "cluster": "work shared by a Dask scheduler", "office": "briefings as Word and slides", "parquet": "GeoParquet",
    "pictures": "pictures, charts and films without a browser", "scale": "incidents by the million",
    "docs": "these documents as a site",
}  # fmt: skip
_INNER = ("test", "dev")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    what: str
    version: str
    state: str
    note: str = ""


def examine() -> list[Finding]:
    """Look at the installation; nothing is changed and nothing outside is asked."""
    import platform

    return [
        Finding("geo-control", __version__, "ok", f"Python {platform.python_version()}, {platform.system()}"),
        *_required(), *_underneath(), *_assets(), *_optional(), *_plugins(),
    ]  # fmt: skip


def faulty(findings: list[Finding]) -> bool:
    """Whether anything that is needed is missing or wrong."""
    return any(f.state in ("missing", "wrong") for f in findings)


def _needs() -> Iterator[tuple[Requirement, str]]:
    """Each requirement of the package, and the extra that asks for it ("" where all do)."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    for text in requires("geo-control") or ():
        need = Requirement(text)
        extras = [e for e in (*USES, *_INNER) if need.marker and need.marker.evaluate({"extra": e})]
        plain = not need.marker or need.marker.evaluate({"extra": ""})
        yield need, "" if plain else (extras or [""])[0]


def _required() -> Iterator[Finding]:
    for need, extra in _needs():
        if not extra and (not need.marker or need.marker.evaluate({"extra": ""})):
            yield _package(need, absent="missing", note=f"pip install '{need.name}{need.specifier}'")


def _optional() -> Iterator[Finding]:
    seen = set()
    uses = [one for one in _needs() if one[1] in USES]
    for need, extra in sorted(uses, key=lambda one: list(USES).index(one[1])):
        if need.name not in seen:
            seen.add(need.name)
            yield _package(need, absent="optional", note=f"for {USES[extra]}: pip install 'geo-control[{extra}]'")
    there = shutil.which("ffmpeg")
    yield Finding("ffmpeg", there or "", "ok" if there else "optional", "" if there else "for films as .mp4")


def _plugins() -> Iterator[Finding]:
    from geo.sources import plugin, plugin_words

    for name, package in plugin_words().items():
        try:
            plugin(name)
        except UsageError as error:
            yield Finding(f"source {name}", package, "wrong", str(error))
        else:
            yield Finding(f"source {name}", package, "ok")


def _package(need: Requirement, *, absent: str, note: str) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version(need.name)
    except PackageNotFoundError:
        return Finding(need.name, "", absent, note)
    if not need.specifier.contains(found, prereleases=True):
        return Finding(need.name, found, "wrong", f"{need.specifier} is wanted: {note}")
    return Finding(need.name, found, "ok")


def _underneath() -> Iterator[Finding]:
    import sqlite3

    import pyogrio
    import shapely
    from pyproj import proj_version_str

    yield Finding("GEOS", shapely.geos_version_string, "ok")
    yield Finding("GDAL", pyogrio.__gdal_version_string__, "ok")
    yield Finding("PROJ", str(proj_version_str), "ok")
    connection = sqlite3.connect(":memory:")
    options = {row[0] for row in connection.execute("PRAGMA compile_options")}
    connection.close()
    rtree = "ENABLE_RTREE" in options
    note = "" if rtree else "built without R*Tree: archives need it; use a Python whose SQLite has it"
    yield Finding("SQLite", sqlite3.sqlite_version, "ok" if rtree else "wrong", note)


def _assets() -> Iterator[Finding]:
    from geo.output.html import page
    from geo.presentation import basemap
    from geo.sources import shipped_units

    looks: dict[str, Callable[[], object]] = {
        "Leaflet": lambda: page.leaflet("leaflet.js") + page.leaflet("leaflet.css"),
        "scripts and styles": lambda: [page.asset(n) for n in ("map.js", "map.css", "timeline.js", "dates.js")],
        "basemap": lambda: basemap.cut((30.0, 48.0, 31.0, 49.0)),
        "boundaries": lambda: [p.read_bytes() for p in shipped_units()],
    }
    for name, look in looks.items():
        try:
            look()
        except (GeoError, OSError) as error:
            yield Finding(name, "", "missing", f"{error}: install geo-control again")
        else:
            yield Finding(name, "as shipped", "ok")
    try:
        yield Finding("documents", str(folder()), "ok")
    except GeoError as error:
        yield Finding("documents", "", "missing", str(error))


_DIRECTIVE = re.compile(r"^```\{(?:eval-rst|toctree)\}\n(.*?)^```\n", re.M | re.S)
_HEADING = re.compile(r"^(#{1,4}) (.+)$", re.M)


def folder() -> Path:
    """The folder of the documents: inside the installed package, or beside it in a checkout."""
    return shipped_folder("docs", sign="conventions.md", what="the documents are")


def topics() -> dict[str, str]:
    """Each page's name and its title, in the order of their names."""
    root = folder()
    found = {}
    for path in sorted(root.rglob("*.md")):
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        found[path.relative_to(root).with_suffix("").as_posix()] = first.lstrip("# ")
    return found


def read(topic: str, *, also: Iterable[str] = ()) -> str:
    """A page as Markdown, or one section of it."""
    name, _, section = topic.partition("#")
    there = topics()
    if name not in there:
        by_last = [page for page in there if page.rpartition("/")[2] == name]
        if len(by_last) != 1:
            raise UsageError(f"no page {name!r}; {_near(name, [*there, *also])}")
        name = by_last[0]
    text = _DIRECTIVE.sub(_in_words, (folder() / f"{name}.md").read_text(encoding="utf-8"))
    if not section:
        return text
    heads = [(m.start(), len(m[1]), slug(m[2])) for m in _HEADING.finditer(text)]
    for at, (start, depth, words) in enumerate(heads):
        if words == section:
            ends = [later for later, level, _ in heads[at + 1 :] if level <= depth]
            return text[start : ends[0] if ends else None].rstrip() + "\n"
    raise UsageError(f"no section {section!r} in {name}; there are: {', '.join(h[2] for h in heads)}")


def _in_words(directive: re.Match[str]) -> str:
    """What the site makes of a directive, for a terminal: the verbs with their help, public names with a line each."""
    if ".. click::" in directive[1]:
        parent = click.Context(main, info_name="geo", **main.context_settings)
        parts = [f"## {name}\n\n{verb.get_help(click.Context(verb, info_name=name, parent=parent))}\n"
                 for name, verb in sorted(main.commands.items()) if not verb.hidden]  # fmt: skip
        return "\n".join(parts)
    return "".join(_public_name(n) for n in re.findall(r"^   geo\.(\w+)$", directive[1], flags=re.M))


def _call(function: Callable[..., object]) -> str:
    asked = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for p in asked.parameters.values()]
    return str(asked.replace(parameters=plain, return_annotation=asked.empty))


def _public_name(name: str) -> str:
    import geo

    made = getattr(geo, name)
    shape = "" if isinstance(made, type) else _call(made)
    first = (made.__doc__ or "").strip().partition("\n")[0]
    methods = [m for m in dir(made) if not m.startswith("_")] if made is geo.Archive else []
    below = f"  methods: {', '.join(methods)}\n" if methods else ""
    return f"geo.{name}{shape}\n  {first}\n{below}\n"


def _near(name: str, there: list[str]) -> str:
    import difflib

    lasts = {page.rpartition("/")[2]: page for page in there}
    near = difflib.get_close_matches(name.casefold(), lasts, n=4, cutoff=0.6)
    hint = f"near it: {', '.join(lasts[n] for n in near)}; " if near else ""
    return f"{hint}there are: {', '.join(there)}"


def slug(heading: str) -> str:
    """A heading as links write it."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")


def shipped_folder(name: str, *, sign: str, what: str) -> Path:
    here = ASSETS.parent
    for folder in (here / name, here.parent / name):
        if (folder / sign).is_file():
            return folder
    raise GeoError(f"{what} missing beside {here}: install geo-control again")
