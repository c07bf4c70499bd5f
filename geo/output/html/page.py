"""Text from outside into HTML: shown, never run. One escaped JSON block, known scripts inlined, and a policy."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from geo.assets import ASSETS
from geo.errors import MapError
from geo.presentation.html_text import escape, without_unseen

# SHA-384 of the files of Leaflet 1.9.3 as XStatic-Leaflet carries them
_LEAFLET = {
    "leaflet.js": "okbbMvvx/qfQkmiQKfd5VifbKZ/W8p1qIsWvE1ROPUfHWsDcC8/BnHohF7vPg2T6",
    "leaflet.css": "o/2yZuJZWGJ4s/adjxVW71R+EO/LyCwdQfP5UWSgX/w87iiTXuvDZaejd3TsN7mf",
}
LEAFLET_CREDIT = "Map library: Leaflet 1.9.3, © Volodymyr Agafonkin and contributors, BSD-2-Clause"
# what could end a script or style element, start a template tag, or end a line in old JavaScript
_UNSAFE = {ord(c): f"\\u{ord(c):04x}" for c in "<>&{}%\u2028\u2029"}
# HTML has no sign for NUL, UTF-8 none for half a surrogate pair
_PICTURE = re.compile(r"url\(images/([\w.-]+)\)")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')


@dataclass(frozen=True)
class PageParts:
    """What a page is made of, around the map itself."""

    title: str
    lang: str
    top: str
    side: str
    bottom: str
    still: str
    data: dict[str, Any] = field(default_factory=dict)


def json_block(data: Any, *, name: str) -> str:
    """A JSON block that no HTML, template or script parser reads as anything but text."""
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise MapError(f"a figure on the page is not finite ({error})") from error
    # braces and brackets of the JSON itself must stay; only those inside strings can be escaped
    return f'<script type="application/json" id="{escape(name)}">{_escape_strings(without_unseen(text))}</script>'


def _escape_strings(text: str) -> str:
    """The JSON text with every unsafe character inside its strings as \\uXXXX."""
    return _STRING.sub(lambda found: found[0].translate(_UNSAFE), text)


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
    return _PICTURE.sub(lambda match: pictures[match[1]], "\n".join(lines))


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


def style_and_script(name: str) -> str:
    """The head of a page that does more than a dated one: its own style and script, and no switches without scripts."""
    return (
        f"<style>{lean(asset(f'{name}.css'))}</style><script>{lean(asset(f'{name}.js'))}</script>"
        "<noscript><style>.switches input{display:none}</style></noscript>"
    )


def lean(code: str) -> str:
    """Our own style or script without its comments and indents: readers of the page have them in the project."""
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def assemble(shell: PageParts, *, header: str, body: str, script: str, tiles: str = "") -> tuple[str, list[str]]:
    """The whole page, with a policy that allows what it holds."""
    parts = (
        f"<style>{leaflet('leaflet.css')}</style><style>{lean(asset('map.css'))}</style>"
        f"<script>{leaflet('leaflet.js')}</script>",
        header,
        "<noscript><style>.still{display:block}.live,.toggles,.controls,.views{display:none}</style></noscript>",
        f'<div class="page">{shell.top}<div class="desk"><main><div class="live" role="region" '
        f'aria-label="{escape(shell.title)}">{body}</div>'
        f'<figure class="still">{shell.still}</figure></main>{shell.side}</div>{shell.bottom}</div>',
        json_block(shell.data, name="geo-data"),
        f"<script>{script}</script>",
        f"<script>{lean(asset('map.js'))}</script>",
    )
    policy, outside = _policy(parts, tiles)
    head = (
        f'<!DOCTYPE html>\n<html lang="{escape(shell.lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(shell.title)}</title>\n{parts[0]}{parts[1]}\n{parts[2]}\n</head>\n<body>\n"
    )
    return head + "\n".join(parts[3:]) + "\n</body>\n</html>\n", outside


class _Scan(HTMLParser):
    """What a page runs, styles and loads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: dict[str, list[str]] = {
            k: [] for k in ("script", "style", "attribute", "load-script", "load-style", "img")
        }
        self._open: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        has = {k: v or "" for k, v in attributes}
        if tag == "script" and "src" in has:
            self.found["load-script"].append(has["src"])
        elif tag == "link" and "stylesheet" in has.get("rel", ""):
            self.found["load-style"].append(has.get("href", ""))
        elif tag == "img" and has.get("src", "").startswith("http"):
            self.found["img"].append(has["src"])
        elif tag == "style" or (tag == "script" and has.get("type", "text/javascript") != "application/json"):
            self._open = tag
            self.found[tag].append("")
        if "style" in has:
            self.found["attribute"].append(has["style"])

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[self._open][-1] += data


@lru_cache(maxsize=16)
def _scanned(part: str) -> dict[str, list[str]]:
    # most of a page is the same on every page
    scan = _Scan()
    scan.feed(part)
    return scan.found


def policy_of(text: str, *, tiles: str = "") -> tuple[str, list[str]]:
    """The strictest policy under which a page works, and what it loads from elsewhere."""
    return _policy([text], tiles)


def _policy(parts: Sequence[str], tiles: str) -> tuple[str, list[str]]:
    """The policy of a page in parts, none of which opens an element that another one closes."""
    scans = [_scanned(part) for part in parts]
    found = {name: [text for scan in scans for text in scan[name]] for name in scans[0]}
    scripts = [_hash(s) for s in found["script"]] + sorted({_host(u) for u in found["load-script"]})
    styles = [_hash(s) for s in found["style"]] + sorted({_host(u) for u in found["load-style"]})
    if found["attribute"]:
        styles += ["'unsafe-hashes'", *sorted({_hash(s) for s in found["attribute"]})]
    images = sorted({_host(u) for u in found["img"]} | ({tiles} if tiles else set()))
    outside = [*found["load-script"], *found["load-style"], *found["img"]]
    fonts = sorted({_host(u) for u in found["load-style"]})
    rules = (
        "default-src 'none'",
        "script-src " + " ".join(dict.fromkeys(scripts)),
        "style-src " + " ".join(dict.fromkeys(styles)),
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
