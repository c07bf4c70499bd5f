"""The documents that come with the package, to read where there is no network: a page, or a section of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from geo.assets import ASSETS
from geo.errors import GeoError, UsageError

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
    text = (folder() / f"{name}.md").read_text(encoding="utf-8")
    if not section:
        return text
    heads = [(m.start(), len(m[1]), slug(m[2])) for m in _HEADING.finditer(text)]
    for at, (start, depth, words) in enumerate(heads):
        if words == section:
            ends = [later for later, level, _ in heads[at + 1 :] if level <= depth]
            return text[start : ends[0] if ends else None].rstrip() + "\n"
    raise UsageError(f"no section {section!r} in {name}; there are: {', '.join(h[2] for h in heads)}")


def _near(name: str, there: list[str]) -> str:
    lasts = {page.rpartition("/")[2]: page for page in there}
    near = difflib.get_close_matches(name.casefold(), lasts, n=4, cutoff=0.6)
    hint = f"near it: {', '.join(lasts[n] for n in near)}; " if near else ""
    return f"{hint}there are: {', '.join(there)}"


def slug(heading: str) -> str:
    """A heading as links write it."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")


def shipped_folder(name: str, *, sign: str, what: str) -> Path:
    """The folder of this name."""
    here = ASSETS.parent
    for folder in (here / name, here.parent / name):
        if (folder / sign).is_file():
            return folder
    raise GeoError(f"{what} missing beside {here}: install geo-control again")
