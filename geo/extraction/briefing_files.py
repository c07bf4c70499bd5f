"""A briefing's file as plain text: .txt, .md, .html, .docx, .pdf. Nothing in it is run or fetched."""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from lxml import etree, html

from geo.errors import FileError, UsageError
from geo.formats.geojson import MIB, read_bytes
from geo.formats.xml import parse_xml
from geo.formats.zips import MAGIC, UNPACKED_LIMIT, most_unpacked, too_large, unpack

FILE_BYTES = 8 * MIB
TEXT_CHARACTERS = 500_000
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# what is no part of what a reader sees
_UNSEEN = {
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "head", "select", "textarea",
    "button", "form", "canvas", "audio", "video", "nav",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "figcaption",
    "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section",
    "table", "tbody", "td", "th", "thead", "time", "tr", "ul",
}  # fmt: skip
_MARKDOWN = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"^\s{0,3}#{1,6}\s+|^\s{0,3}>\s?|^\s{0,3}[-*+]\s+(?=\S)", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"(\*\*|__|`|~~)(?=\S)([^\n]{1,500}?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,500})(?<=\S)\*(?![\w*])"), r"\1"),
)


_NO_TEXT = (
    (b"PK\x03\x04", "a file of LibreOffice or another program that packs its files, not of Word"),
    (b"\xd0\xcf\x11\xe0", "a file of an old version of Word"),
    (b"{\\rtf", "a file in Rich Text Format"),
)
_WORD = "word/document.xml"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BREAKS = {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_PAGES = 500
_ENDS = (".", "!", "?", ":", ";", "…", ".”", '."', ".»", "?”", "!”")
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}  # ﬁ, ﬂ and the like
_BULLETS = ("•", "–", "—", "-", "*", "·", "▪", "●", "○")


@dataclass(frozen=True)
class Text:
    """What a briefing says, as plain text, and what its file says about it."""

    text: str
    name: str
    sha256: str
    published: str = ""
    publisher: str = ""


def read_text(path: Path, *, encoding: str | None = None) -> Text:
    raw = read_bytes(path, limit=FILE_BYTES)
    if (document := _of_document(path, raw)) is not None:
        return _text(path, raw, document, {})
    kind = next((name for mark, name in _NO_TEXT if raw.startswith(mark)), None)
    if kind is not None:
        raise FileError(f"{path}: {kind}, no text: save it as .txt, .md or .html, or copy its text into such a file")
    is_page = path.suffix.lower() in (".html", ".htm", ".xhtml")
    text = _decode(path, raw, encoding, is_page=is_page)
    facts: dict[str, str] = {}
    if is_page:
        text, facts = _from_html(path, text)
    elif path.suffix.lower() in (".md", ".markdown"):
        for pattern, kept in _MARKDOWN:
            text = pattern.sub(kept, text)
    elif text[:200].lstrip().lower().startswith(("<!doctype html", "<html")):
        raise FileError(f"{path}: an HTML page: give its file the ending .html")
    return _text(path, raw, text, facts)


def _text(path: Path, raw: bytes, text: str, facts: dict[str, str]) -> Text:
    text = tidy(text)
    if not text:
        raise FileError(f"{path}: no text in it that a reader would see")
    _refuse_long(path, len(text))
    return Text(text, path.name, sha256(raw).hexdigest(), **facts)


def _of_document(path: Path, raw: bytes) -> str | None:
    """The text of a file of Word or of a PDF, None for any other."""
    if b"%PDF-" in raw[:1024]:
        return _of_pdf(path, raw)
    if not raw.startswith(MAGIC):
        return None
    contents = unpack(path, raw=raw, only=_WORD)
    return "".join(_paragraphs(parse_xml(path, contents[_WORD]))) if _WORD in contents else None


def _paragraphs(root: Any) -> Iterator[str]:
    """Paragraphs in their order, those of tables and text boxes too; what was deleted under review is left out."""
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            yield "\n" if element.tag == f"{_W}p" else ""
        elif element.tag == f"{_W}t":
            yield element.text or ""
        else:
            yield _BREAKS.get(element.tag, "")


def _of_pdf(path: Path, raw: bytes) -> str:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError:
        raise FileError(
            f"{path}: a PDF, which needs pypdf: pip install 'geo-control[documents]', or save it as .txt or .docx"
        ) from None
    damaged = (PyPdfError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, RuntimeError)
    try:
        pdf = PdfReader(io.BytesIO(raw))
        if pdf.is_encrypted and not pdf.decrypt(""):
            raise FileError(f"{path}: a PDF with a password: save it without one")
        if len(pdf.pages) > _PAGES:
            raise FileError(f"{path}: {len(pdf.pages):,} pages, over the limit of {_PAGES}: split it by day")
        text = "\n".join(map(_unwrapped, _page_texts(path, raw, pdf.pages)))
    except damaged as error:
        raise FileError(f"{path}: a damaged PDF ({str(error)[:200]}): save it as .txt or .docx") from None
    if not text.strip():
        raise FileError(f"{path}: a PDF without text, perhaps scanned pages: have its text recognised first")
    return text


def _page_texts(path: Path, raw: bytes, pages: Any) -> Iterator[str]:
    """The text of each page; what is unpacked and read stays within the limits, on one page, too."""
    read, left = 0, (most := most_unpacked(raw, UNPACKED_LIMIT))

    def count(text: str, *_: Any) -> None:
        nonlocal read
        read += len(text)
        _refuse_long(path, read)

    for page in pages:
        content = page.get_contents()
        size = 0 if content is None else len(content.get_data())
        if (left := left - size) < 0:
            raise too_large(path, most)
        # counting makes figures without text be read, too: only where there may be much
        yield (text := page.extract_text(visitor_text=count if size > TEXT_CHARACTERS else None))
        if size <= TEXT_CHARACTERS:
            count(text)


def _refuse_long(path: Path, characters: int) -> None:
    if characters > TEXT_CHARACTERS:
        raise FileError(f"{path}: {characters:,} characters, over the limit of {TEXT_CHARACTERS:,}: split it by day")


def _unwrapped(page: str) -> str:
    """A page's lines as paragraphs: one that was full, or goes on in small letters, and ended no sentence is joined."""
    lines = [line.strip() for line in page.translate(_LIGATURES).split("\n")]
    full = 0.75 * max(map(len, lines), default=0)
    found: list[str] = []
    before = ""
    for line in lines:
        is_open = before and not before.endswith(_ENDS) and (len(before) >= full or line[:1].islower())
        if is_open and line and not line.startswith(_BULLETS):
            found[-1] += line if before.endswith("-") else f" {line}"
        else:
            found.append(line)
        before = line
    return "\n".join(found)


def tidy(text: str) -> str:
    """Text as it is read: composed letters, a paragraph a line, no control characters, single blanks."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    # a control character is a blank, a mark that only turns or joins letters is nothing
    kept = "".join(c if c == "\n" else _shown(c) for c in text)
    lines = (" ".join(line.split()) for line in kept.split("\n"))
    return "\n".join(line for line in lines if line)


def _shown(sign: str) -> str:
    kind = unicodedata.category(sign)
    return " " if kind in ("Cc", "Zs", "Zl", "Zp") else "" if kind in ("Cf", "Cs", "Co", "Cn") else sign


def _decode(path: Path, raw: bytes, encoding: str | None, *, is_page: bool) -> str:
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    stated = _CHARSET.search(raw[:4096]) if is_page else None
    name = encoding or marked or (stated[1].decode("ascii", "replace") if stated else "utf-8")
    try:
        codec = codecs.lookup(name)
    except LookupError:
        if encoding is None:
            raise FileError(f"{path}: it states the unknown encoding {name!r}: say --encoding utf-8") from None
        raise UsageError(f"--encoding {name!r} is unknown: utf-8, cp1251, latin-1 are among the known") from None
    if marked is None and not codec.name.startswith(("utf-16", "utf-32")) and b"\0" in raw:
        raise FileError(f"{path}: no text (it has NUL bytes); for UTF-16 without a mark say --encoding utf-16-le")
    try:
        return codec.decode(raw, "strict")[0].lstrip("\ufeff")
    except (UnicodeError, TypeError, ValueError):
        raise FileError(f"{path}: not {name}: --encoding names the encoding, such as cp1251 or latin-1") from None


def _from_html(path: Path, text: str) -> tuple[str, dict[str, str]]:
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise FileError(f"{path}: no HTML that can be read ({error})") from None
    facts = {name: found for name, wanted in _FACTS.items() if (found := _fact(tree, wanted))}
    return "".join(_pieces(tree)), facts


_FACTS = {
    "published": ("article:published_time", "datePublished", "date", "pubdate", "dc.date"),
    "publisher": ("og:site_name", "application-name", "author"),
}


def _fact(tree: Any, wanted: tuple[str, ...]) -> str:
    """What the page's head states under one of the names, the first that there is."""
    stated: dict[str, str] = {}
    for element in tree.iter("meta"):
        key = element.get("property") or element.get("name") or element.get("itemprop") or ""
        stated.setdefault(key.lower(), element.get("content") or "")
    return next((tidy(stated[n.lower()])[:200] for n in wanted if stated.get(n.lower())), "")


def _pieces(tree: Any) -> Iterator[str]:
    """The text that a reader would see, with a line's end around every block."""
    unseen = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else "script"
        hidden = tag in _UNSEEN or element.get("hidden") is not None
        edge = "\n" if tag in _BLOCKS else ""
        if event == "start":
            unseen += hidden
            if not unseen:
                yield edge + (element.text or "").replace("\n", " ")
            continue
        unseen -= hidden
        if not unseen:
            yield edge + (element.tail or "").replace("\n", " ")
