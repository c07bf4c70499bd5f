"""Text from outside into HTML: shown, never run. One escaped JSON block, known scripts inlined, and a policy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from geo.assets import ASSETS
from geo.errors import MapError, UsageError
from geo.presentation.language import current, gettext, script_words, speaking
from geo.presentation.templates import escape, render, texts_of, without_unseen

# SHA-384 of the files of Leaflet 1.9.3 as XStatic-Leaflet carries them
_LEAFLET = {
    "leaflet.js": "okbbMvvx/qfQkmiQKfd5VifbKZ/W8p1qIsWvE1ROPUfHWsDcC8/BnHohF7vPg2T6",
    "leaflet.css": "o/2yZuJZWGJ4s/adjxVW71R+EO/LyCwdQfP5UWSgX/w87iiTXuvDZaejd3TsN7mf",
}
LEAFLET_CREDIT = "Leaflet 1.9.3, © Volodymyr Agafonkin and contributors, BSD-2-Clause"
# what could end a script or style element, start a template tag, or end a line in old JavaScript
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&{}%\u2028\u2029"}
# HTML has no sign for NUL, UTF-8 none for half a surrogate pair
_PICTURE = re.compile(r"url\(images/([\w.-]+)\)")
# a page that was saved without the files of its site shows the picture
_ALONE = 'window.L || document.documentElement.classList.add("no-map");'
_ALONE_ELEMENT = Markup(f"<script>{_ALONE}</script>")  # noqa: S704  (the line above)
_COMMENT, _SPACES = re.compile(r"/\*.*?\*/", re.DOTALL), re.compile(r"(?<!\s)\s*([{};,])\s*")
# elements that load something, and what loads without one of its own
_LOADS = ("load-script", "load-style", "img", "other")
_ADDRESSES = {"src", "srcset", "href", "xlink:href", "poster", "data", "background", "imagesrcset", "ping"}
_ELSEWHERE = re.compile(r"^\s*(https?:)?//|,\s*(https?:)?//", re.IGNORECASE)
_HEAD = re.compile(r"\s*<!DOCTYPE html>\s*<html\b[^>]*>\s*<head>", re.IGNORECASE)
_SCRIPT = re.compile(r"<script[^>]*>((?:(?!\{\{|\{%|</script).)*)</script", re.IGNORECASE | re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


@dataclass(frozen=True)
class SharedFiles:
    """The files that the pages of a site have in common, and what is in each: a page links to them."""

    up: str  # from the page to the site's folder
    address: str = ""  # where the site will be, if that is known
    files: dict[str, str] = field(default_factory=dict)

    def link(self, name: str, text: str) -> str:
        """The way from the page to a file of such a name, which is told from others by its hash."""
        stem, _, ending = name.rpartition(".")
        path = f"shared/{stem}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"
        self.files[path] = text
        return self.up + path


@dataclass(frozen=True)
class PageParts:
    """What a page is made of: its template, the values that this shows, and what the page's script takes."""

    template: str
    title: str
    values: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    templates: Path | None = None  # a desk's own, which stand before ours
    lang: str = field(default_factory=lambda: current().code)
    shared: SharedFiles | None = None  # None: the page has everything in itself


@dataclass(frozen=True)
class Added:
    """What folium puts into a page: the map, and all that was added to it."""

    header: Markup = field(default_factory=Markup)
    body: Markup = field(default_factory=Markup)
    script: Markup = field(default_factory=Markup)


_DATA = ("application/json", "application/ld+json")


def json_block(data: Any, *, name: str, kind: str = _DATA[0]) -> Markup:
    """A JSON block that no HTML, template or script parser reads as anything but text."""
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise MapError(f"a figure on the page is not finite ({error})") from error
    # braces and brackets of the JSON itself must stay; only those inside strings can be escaped
    escaped = _STRING.sub(lambda found: found[0].translate(_UNSAFE), without_unseen(text))
    inner = Markup(escaped)  # noqa: S704  (as JSON)
    return Markup('<script type="{}" id="{}">{}</script>').format(kind, name, inner)


@cache
def leaflet(name: str) -> str:
    """The text of a file of Leaflet, from the installed dependency, checked by its hash."""
    path, raw = _leaflet_file(name)
    found = base64.b64encode(hashlib.sha384(raw).digest()).decode()
    if found != _LEAFLET[name]:
        raise MapError(f"{path}: not the {name} of Leaflet 1.9.3 (SHA-384 {found}): install XStatic-Leaflet again")
    lines = [line for line in raw.decode("utf-8").splitlines() if "sourceMappingURL" not in line]
    # the style names pictures beside it: they travel inside the page, the pin only where there are pins (`pins`)
    pictures = {"marker-icon.png": "none"} | {p: f"url({_picture(p)})" for p in ("layers.png", "layers-2x.png")}
    text = _PICTURE.sub(lambda match: pictures[match[1]], "\n".join(lines))
    return lean_style(text) if name.endswith(".css") else text


def pins() -> str:
    """The script that gives Leaflet's own pins their pictures, without any file beside the page."""
    pictures = {
        "iconUrl": _picture("marker-icon.png"),
        "iconRetinaUrl": _picture("marker-icon-2x.png"),
        "shadowUrl": _picture("marker-shadow.png"),
    }
    return f'L.Icon.Default.imagePath = "";\nL.Icon.Default.mergeOptions({json.dumps(pictures)});\n'


def _picture(name: str) -> str:
    return f"data:image/png;base64,{base64.b64encode(_leaflet_file(name)[1]).decode()}"


@cache
def _leaflet_file(name: str) -> tuple[str, bytes]:
    try:
        path = next(f for f in files("XStatic-Leaflet") or () if f.name == name)
        return str(path), Path(str(path.locate())).read_bytes()
    except (PackageNotFoundError, StopIteration, OSError):
        raise MapError(
            f"{name} of XStatic-Leaflet 1.9.3 is not installed: pip install 'XStatic-Leaflet==1.9.3.*'"
        ) from None


@cache
def asset(name: str) -> str:
    """The text of one of our own scripts or styles."""
    try:
        return (ASSETS / name).read_text(encoding="utf-8")
    except OSError:
        raise MapError(f"{name} is missing from {ASSETS}: install geo-control again") from None


def style(name: str, more: str = "") -> Markup:
    """One of our own styles as an element, with rules for this page's own colours."""
    return Markup(f"<style>{lean_style(asset(f'{name}.css'))}{more}</style>")  # noqa: S704  (our own file)


def script(name: str, shared: SharedFiles | None = None) -> Markup:
    """One of our own scripts as an element, after what its words are in the page's language."""
    text = asset(f"{name}.js")
    words = script_words(text)
    made = _script_element(f"{name}.js", lean(text), shared)
    return json_block(words, name=f"words-{name}") + made if words else made


def _script_element(name: str, text: str, shared: SharedFiles | None) -> Markup:
    if shared is not None:
        return Markup('<script src="{}"></script>').format(shared.link(name, text))
    return Markup(f"<script>{text}</script>")  # noqa: S704  (our own file, or Leaflet's, checked by its hash)


def _style_element(name: str, text: str, shared: SharedFiles | None) -> Markup:
    if shared is not None:
        return Markup('<link rel="stylesheet" href="{}">').format(shared.link(name, text))
    return Markup(f"<style>{text}</style>")  # noqa: S704  (as above)


def lean(code: str) -> str:
    """Our own script without its comments and indents: readers of the page have them in the project."""
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def lean_style(code: str) -> str:
    """A style without its comments, and without the spaces that no browser needs."""
    return _SPACES.sub(r"\1", _COMMENT.sub("", code)).strip()


def page_of(parts: PageParts, *, added: Added | None = None, tiles: str = "") -> tuple[str, list[str]]:
    """The whole page, with a policy that allows what it holds, and what of `added` it loads from elsewhere."""
    added = added or Added()
    with speaking(parts.lang):
        text = _rendered(parts, added)
    found = _without_shared(_scanned(text), parts.shared)
    _refuse_what_is_not_ours(found, added, parts)
    policy, outside = _policy(found, tiles, parts.shared)
    head = _HEAD.match(text)
    if head is None:
        raise UsageError(f"{parts.template}: a page begins with <!DOCTYPE html>, <html lang=…> and <head>")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
    return text[: head.end()] + meta + text[head.end() :] + "\n", outside


def _rendered(parts: PageParts, added: Added) -> str:
    shared, css, js = parts.shared, leaflet("leaflet.css"), leaflet("leaflet.js")
    return str(render(
        parts.template, parts.templates, title=parts.title, data=_data(parts), added=added,
        style=style, script=partial(script, shared=shared),
        leaflet_style=_style_element("leaflet.css", css, shared),
        leaflet_script=_script_element("leaflet.js", js, shared) + (_ALONE_ELEMENT if shared else ""),
        leaflet_credit=gettext("Map library: {library}", library=LEAFLET_CREDIT), **parts.values,
    ))  # fmt: skip


def _data(parts: PageParts) -> Markup:
    """What the page's script takes; in a site the ground under the map, which many dates have in common, apart."""
    data, before = dict(parts.data), Markup("")
    if parts.shared is not None and "ground" in data:
        before = _script_element("ground.js", f'window.geoGround = "{data.pop("ground")}";\n', parts.shared)
    return before + json_block(data, name="geo-data")


def _refuse_what_is_not_ours(found: Mapping[str, Sequence[str]], added: Added, parts: PageParts) -> None:
    """No template brings in what asks the network, or a script that is not written in it word for word."""
    brought = _scanned(added.header + added.body)
    loads = [u for kind in _LOADS for u in found[kind] if u not in brought[kind]]
    if loads:
        raise UsageError(
            f"{parts.template}: it would load {loads[0]}, and a page needs no network: put it into the page (data:…)"
        )
    sources = "".join(texts_of(parts.templates).values())
    known = {_bare(text) for text in (*brought["script"], added.script, *_SCRIPT.findall(sources))}
    if not {_bare(text) for text in found["script"]} <= known | _own_scripts():
        raise UsageError(f"{parts.template}: values in a script: put them into data-… attributes and read these")


@cache
def _own_scripts() -> frozenset[str]:
    ours = (lean(path.read_text(encoding="utf-8")) for path in ASSETS.glob("*.js"))
    return frozenset(_bare(text) for text in (leaflet("leaflet.js"), _ALONE, *ours))


@lru_cache(maxsize=32)
def _bare(script: str) -> str:
    return "".join(script.split())


class _Scan(HTMLParser):
    """What a page runs, styles and loads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[str, list[str]] = {k: [] for k in ("script", "style", "attribute", *_LOADS)}
        self._open: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {k: v or "" for k, v in attributes}
        if tag == "script" and "src" in has:
            self.found["load-script"].append(has["src"])
        elif tag == "link" and "stylesheet" in has.get("rel", ""):
            self.found["load-style"].append(has.get("href", ""))
        elif tag == "img" and has.get("src", "").startswith("http"):
            self.found["img"].append(has["src"])
        elif tag == "style" or (tag == "script" and has.get("type", "text/javascript") not in _DATA):
            self._open = tag
            self.found[tag].append("")
        elif tag == "meta" and "http-equiv" in has:
            self.found["other"].append(has.get("content", ""))
        elif tag not in ("a", "area") and not (tag == "link" and has.get("rel") in ("alternate", "canonical")):
            self.found["other"] += [has[k] for k in _ADDRESSES & has.keys() if _ELSEWHERE.search(has[k])]
        if "style" in has:
            self.found["attribute"].append(has["style"])

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[self._open][-1] += data


def _scanned(text: str) -> dict[str, list[str]]:
    scan = _Scan()
    scan.feed(text)
    return scan.found


def _without_shared(found: dict[str, list[str]], shared: SharedFiles | None) -> dict[str, list[str]]:
    ours = {shared.up + path for path in shared.files} if shared is not None else set()
    return {kind: [one for one in listed if one not in ours] for kind, listed in found.items()}


def _policy(found: Mapping[str, Sequence[str]], tiles: str, shared: SharedFiles | None) -> tuple[str, list[str]]:
    """The strictest policy under which a page works, and what it loads from elsewhere."""
    # by address, too: in a sandboxed frame no file counts as the page's own in every browser
    beside = ["'self'", *([f"{shared.address}shared/"] if shared.address else [])] if shared and shared.files else []
    scripts = [_hash(s) for s in found["script"]] + sorted({_host(u) for u in found["load-script"]}) + beside
    styles = [_hash(s) for s in found["style"]] + sorted({_host(u) for u in found["load-style"]}) + beside
    if found["attribute"]:
        styles += ["'unsafe-hashes'", *sorted({_hash(s) for s in found["attribute"]})]
    images = sorted({_host(u) for u in found["img"]} | ({tiles} if tiles else set()))
    outside = [*found["load-script"], *found["load-style"], *found["img"]]
    fonts = sorted({_host(u) for u in found["load-style"]})
    rules = (
        "default-src 'none'",
        " ".join(["script-src", *(dict.fromkeys(scripts) or ["'none'"])]),
        " ".join(["style-src", *(dict.fromkeys(styles) or ["'none'"])]),
        " ".join(["img-src data: blob:", *images, *fonts]),
        "connect-src 'none'",
        *([" ".join(["font-src", *fonts])] if fonts else []),
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules), outside


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()}'"


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else "'self'"
