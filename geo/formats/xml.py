"""XML in, without document types and entities; XML out, where text from outside is text, whatever signs it has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lxml import etree

from geo.errors import FileError

if TYPE_CHECKING:
    from lxml.etree import _Element as Parsed

__all__ = ["Element", "add", "clean", "parse_xml", "xml_bytes"]

# what XML 1.0 has no way to write
_BARRED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
