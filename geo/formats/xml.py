"""XML out: text from outside is text there, whatever signs it has."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

__all__ = ["Element", "add", "clean", "xml_bytes"]

# what XML 1.0 has no way to write
_BARRED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
