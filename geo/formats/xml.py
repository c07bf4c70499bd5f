"""XML in, without document types and entities; XML out, where text from outside is text, whatever signs it has."""

from __future__ import annotations

import re
from html.entities import name2codepoint
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lxml import etree
from lxml.etree import _Element as Parsed

from geo.errors import FileError

__all__ = ["Element", "add", "clean", "mend_xml", "parse_xml", "xml_bytes"]

# what XML 1.0 has no way to write
_BARRED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_LITERAL = re.compile(rb"(<!\[CDATA\[(?:(?!<!\[CDATA\[).)*?\]\]>|<!--(?:(?!<!--).)*?-->)", re.DOTALL)
_AMPERSAND = re.compile(rb"&(?!(?:#\d+|#x[0-9a-fA-F]+|amp|lt|gt|quot|apos);)(?:[A-Za-z][A-Za-z0-9]*;)?")
_TAG = re.compile(rb"<[^<>!?]*>")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
_PREFIX = re.compile(rb"[\s</]([A-Za-z_][\w.-]*):[A-Za-z_]")
_DECLARED = re.compile(rb"xmlns:([\w.-]+)\s*=")
_ROOT = re.compile(rb"<[A-Za-z_][\w:.-]*(?=[\s/>])")
_SPACES = {
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance", b"gx": b"http://www.google.com/kml/ext/2.2",
    b"atom": b"http://www.w3.org/2005/Atom", b"kml": b"http://www.opengis.net/kml/2.2",
}  # fmt: skip


def parse_xml(path: Path, raw: bytes) -> Parsed:
    """The root of a file's XML; nothing is loaded or expanded, and comments are left out."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, remove_comments=True,
        remove_pis=True,
    )  # fmt: skip
    typed = f"{path}: the file has a document type (<!DOCTYPE …>); it and its entities are not read, for safety"
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        if b"<!DOCTYPE" in raw.replace(b"\0", b""):
            raise FileError(f"{typed}: take it out") from None
        line, column = error.position
        why = str(error.msg).partition(", line ")[0]
        raise FileError(f"{path}: not well-formed XML: {why} at line {line}, column {column}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise FileError(f"{typed}: take it out")
    return root


def mend_xml(raw: bytes) -> tuple[bytes, list[str]]:
    """A text with the slips that other programs overlook mended, and what they were; one with a type is left alone."""
    if b"<!DOCTYPE" in raw:
        return raw, []
    notes: list[str] = []
    text = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text != raw.removeprefix(b"\xef\xbb\xbf"):
        notes.append("blanks before the XML left out")
    pieces = _LITERAL.split(text)  # what stands at odd places is kept as it is
    markup = b"".join(pieces[::2])
    pieces[::2] = [_AMPERSAND.sub(_sign, piece) for piece in pieces[::2]]
    if slips := sorted(set(_AMPERSAND.findall(markup))):
        notes.append(f"'{b', '.join(slips[:4]).decode('ascii', 'replace')}' taken as the sign that is meant")
    tags = _TAG.findall(markup)
    used = {prefix for tag in tags for prefix in _PREFIX.findall(_QUOTED.sub(b"", tag))}
    missing = sorted(used - {b"xml", b"xmlns", *_DECLARED.findall(markup)})
    if missing:
        spaces = b"".join(b' xmlns:%s="%s"' % (p, _SPACES.get(p, b"urn:undeclared:" + p)) for p in missing)
        pieces = [_ROOT.sub(rb"\g<0>" + spaces, b"".join(pieces), count=1)]
        notes.append(f"prefixes not declared: {b', '.join(missing).decode('ascii', 'replace')}")
    return b"".join(pieces), [f"not quite XML, read all the same: {note}" for note in notes]


def _sign(match: re.Match[bytes]) -> bytes:
    """A named sign of HTML by its number; any other ampersand as itself."""
    code = name2codepoint.get(match[0][1:-1].decode("ascii", "replace"))
    return b"&#%d;" % code if code else b"&amp;" + match[0][1:]


def clean(text: Any) -> str:
    """Text that an XML file can hold: every other sign becomes ``�``."""
    return _BARRED.sub("�", "" if text is None else str(text))


def add(parent: Element, name: str, text: Any = None, /, **attributes: Any) -> Element:
    """Put an element at the end of another one."""
    made = SubElement(parent, name, {k.rstrip("_"): clean(v) for k, v in attributes.items()})
    if text is not None:
        made.text = clean(text)
    return made


def xml_bytes(root: Element) -> bytes:
    """A document, a line an element: equal trees give equal bytes."""
    indent(root, " ")
    made: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + made + b"\n"
