"""A link checker: every page that can be reached from a site's index, and every address that those pages name."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

_ATOM = "{http://www.w3.org/2005/Atom}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {k: v or "" for k, v in attrs}
        self.links += [has[name] for name in ("href", "src") if name in has]
        if tag == "meta" and has.get("property") == "og:image":
            self.links.append(has["content"])
        self.ids.add(has.get("id", ""))


def read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def reached(folder: Path, *, base: str = "") -> set[str]:
    """Paths reached from the index and the feed; a link that leads nowhere fails."""
    todo, seen = ["index.html"], set()
    pages: dict[Path, _Page] = {}
    if (folder / "feed.xml").is_file():
        todo.append("feed.xml")
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        file = folder / path
        assert file.is_file(), f"{path} is linked to and is not there"
        links = []
        if path.endswith(".html"):
            links = pages.setdefault(file.resolve(), read(file)).links
        elif path == "feed.xml":
            root = ElementTree.fromstring(file.read_bytes())
            links = [link.get("href", "") for link in root.iter(f"{_ATOM}link")]
        for link in links:
            if base and link.startswith(base):
                link = "/" + link.removeprefix(base)
            parts = urlsplit(link)
            if parts.scheme in ("data", "http", "https") or link == "#":
                continue
            assert not parts.scheme, link
            start = folder if parts.path.startswith("/") else file.parent
            target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else file.resolve()
            inside = str(target.relative_to(folder.resolve()))
            if parts.fragment and inside.endswith(".html"):
                if target not in pages:
                    pages[target] = read(target)
                assert parts.fragment in pages[target].ids, f"{path} links to {link}"
            todo.append(inside)
    return seen
