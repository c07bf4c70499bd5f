"""The snippet that shows a page inside another one: a sandboxed frame, a linked picture where frames are taken out."""

from __future__ import annotations

from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlsplit

from geo.archive.results import When
from geo.errors import FileError, UsageError
from geo.formats.geojson import read_bytes
from geo.presentation.language import language_of
from geo.presentation.templates import render
from geo.schema import is_day, to_instant

_HEAD = 1 << 20  # bytes in which a page's title stands


class _Page(HTMLParser):
    """The title of a page, its address where it names one, and the first and last date of a timeline."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = self.address = ""
        self.is_shared = False  # a page of a site, which shares files with others
        self.span: tuple[str, str] | None = None
        self._open = self._done = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag == "title" and not self._done and not attrs
        has = dict(attrs)
        if has.get("rel") == "canonical":
            self.address = has.get("href") or ""
        self.is_shared |= tag == "script" and bool(has.get("src"))
        if has.get("id") == "go-to":  # where a reader of a timeline picks a date
            self.span = (has.get("min") or "", has.get("max") or "")

    def handle_endtag(self, tag: str) -> None:
        self._done, self._open = self._done or (self._open and tag == "title"), False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.title += data


def embed_snippet(
    path: str | Path,
    *,
    picture: str | Path | None = None,
    url: str | None = None,
    title: str | None = None,
    date: When | None = None,
    lang: str | None = None,
) -> str:
    """The HTML with which another page shows one of ours.

    Parameters
    ----------
    path : str or pathlib.Path
        The page (``.html``); of a timeline also ``PAGE.html#DATE``.
    picture : str, pathlib.Path or None
        A picture of it, as an address or a file's name: shown, with the link, where frames are taken out.
    url : str or None
        Where the page will be; None is the address that a site's page names, else beside the page that shows it.
    title : str or None
        What the frame is called; None is the page's own title.
    date : str, date, datetime or None
        The date at which a timeline opens: its permalink.
    lang : {"en", "uk", "ru", "de", "fr", "es", "pl", "ar"} or None
        The language of the page, for screen readers; None says nothing of it.

    Returns
    -------
    str
        Everything in it is escaped. The frame runs the page's own scripts in a world of its own: it is neither
        ``srcdoc`` nor of the same origin.

    Raises
    ------
    FileError
        The page cannot be read, or has no title and none is given, or has not the date.
    GateError
        The date cannot be read.
    UsageError
        An address is none of the web, the language is unknown, or a page that needs files of its site has no address.

    Examples
    --------
    >>> page = geo.save_map(geo.draw_map(archive, "2025-01-11", draw_basemap=False), "map.html")
    >>> geo.embed_snippet(page, url="https://example.org/map.html").splitlines()[0]
    '<figure style="position:relative;margin:0">'
    """
    spoken = None if lang is None else language_of(lang)
    file = Path(path)
    if "#" in file.name and not file.exists():
        name, _, linked = file.name.partition("#")
        file, date = file.with_name(name), date if date is not None else linked
    is_read = title is None or date is not None or (url is None and file.is_file())
    page = _read(file, with_dates=date is not None) if is_read else _Page()
    named = page.title if title is None else title
    if not named.strip():
        raise FileError(f"{file}: no <title> in it, so the frame would have no name: give one (--title)")
    if url is None and page.is_shared and not page.address:
        raise UsageError(f"{file} needs other files of its site: say where the page will be (--url https://…)")
    address = _address(page.address or quote(file.name) if url is None else url, "--url")
    if date is not None:
        moment = to_instant(date)
        _refuse_without(file, page.span, moment)
        at = f"{moment:%Y-%m-%d}" if is_day(date) else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        address = f"{address.partition('#')[0]}#{at}"
    shown = None
    if picture is not None:
        shown = _address(str(picture) if _is_web(str(picture)) else quote(str(picture)), "--picture")
    return str(render("embed.html", title=" ".join(named.split()), address=address, picture=shown, lang=spoken))


def _read(path: Path, *, with_dates: bool) -> _Page:
    reader = _Page()
    try:
        reader.feed(read_bytes(path)[: None if with_dates else _HEAD].decode("utf-8", errors="replace"))
    except AssertionError as error:  # as the parser says that a declaration is none
        raise FileError(f"{path}: no HTML that can be read ({error})") from None
    return reader


def _refuse_without(path: Path, span: tuple[str, str] | None, moment: datetime) -> None:
    """A link to a date that the page does not have would open it elsewhere without a word."""
    if span is None:
        raise FileError(f"{path}: the page has no dates to choose from: leave the date out, or embed a timeline")
    if not span[0] <= f"{moment:%Y-%m-%d}" <= span[1]:
        raise FileError(f"{path}: the page does not have {moment:%Y-%m-%d}: its dates go from {span[0]} to {span[1]}")


def _is_web(address: str) -> bool:
    return urlsplit(address).scheme in ("http", "https")


def _address(address: str, option: str) -> str:
    """An address of the web, or one beside the page; nothing that runs."""
    clean = "".join(c for c in address if c.isprintable()).strip()
    parts = urlsplit(clean)
    if (parts.scheme and not _is_web(clean)) or (_is_web(clean) and not parts.netloc) or not clean:
        raise UsageError(f"{option} {address!r}: an address of the web (https://…) or a path beside the page is wanted")
    return clean
