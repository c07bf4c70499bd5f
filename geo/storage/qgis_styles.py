"""Styles that QGIS reads from the archive: one symbol a side and status, and the fields of the temporal controller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from geo.presentation.labels import class_label
from geo.presentation.sides import side_colours
from geo.presentation.statuses import class_order, status_of
from geo.presentation.symbols import class_colour


def put_default_styles(connection: sqlite3.Connection, *, now: str) -> None:
    """Give every layer of a new archive its style."""
    put_style(connection, "control", control_style([]), now=now)
    put_style(connection, "control_superseded", control_style([]), now=now)
    put_style(connection, "incidents", incident_style(), now=now)
    put_style(connection, "units", unit_style(), now=now)


def restyle_control(
    connection: sqlite3.Connection, classes: Iterable[tuple[str | None, str]], *, now: str, anew: bool = False
) -> None:
    """Give the control layers a symbol for every class that they hold."""
    row = connection.execute("SELECT description FROM layer_styles WHERE f_table_name = 'control'").fetchone()
    there = _classes_of(row[0] if row else "[]")
    if there is None:  # QGIS keeps people's own words there
        layers = "SELECT controller, status FROM control UNION SELECT controller, status FROM control_superseded"
        there, anew = set(connection.execute(layers)), True
    both = there | set(classes)
    if anew or both != there:
        for layer in ("control", "control_superseded"):
            put_style(connection, layer, control_style(both), now=now, note=both)


def _classes_of(description: Any) -> set[tuple[str | None, str]] | None:
    """The classes that a style says it has symbols for; None where it says something else."""
    try:
        found = {(controller, status) for controller, status in json.loads(description)}
    except (TypeError, ValueError, RecursionError):
        return None
    return found if all(isinstance(c, str | None) and isinstance(s, str) for c, s in found) else None


def put_style(
    connection: sqlite3.Connection, layer: str, qml: str, *, now: str, note: Iterable[tuple[str | None, str]] = ()
) -> None:
    """Set the default style of a layer; `note` says which classes it has symbols for."""
    connection.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (layer,))
    connection.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
        " styleQML, styleSLD, useAsDefault, description, owner, update_time)"
        " VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', ?)",
        (layer, f"geo {layer}"[:30], qml, json.dumps(sorted(note, key=str)), now),
    )


def control_style(classes: Iterable[tuple[str | None, str]]) -> str:
    """QML of the control layer: a category for every (controller, status), temporal from valid_from to valid_to."""
    ordered = sorted(set(classes), key=class_order)
    colours = side_colours(c for c, _ in ordered)
    root = _document("valid_from", "valid_to")
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="coalesce(controller, '') || '|' || status",
        symbollevels="0", enableorderby="0", forceraster="0",
    )  # fmt: skip
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for i, (controller, status) in enumerate(ordered):
        value, label = f"{controller or ''}|{status}", class_label(controller, status)
        ET.SubElement(categories, "category", render="true", symbol=str(i), value=value, label=label, type="string")
        row = status_of(status)
        _fill_symbol(symbols, str(i), class_colour(controller, status, colours), row.qgis_fill, row.qgis_opacity)
    return _text(root)


def incident_style() -> str:
    """QML of the incident layer: a dot, temporal from date_start to date_end."""
    root = _document("date_start", "date_end")
    symbols = _single(root)
    symbol = ET.SubElement(symbols, "symbol", type="marker", name="0", alpha="1", clip_to_extent="1")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleMarker", "enabled": "1", "locked": "0", "pass": "0"})
    _options(layer, {"name": "circle", "color": "31,31,31,255", "outline_color": "255,255,255,255",
                     "outline_width": "0.4", "size": "2.6", "size_unit": "MM"})  # fmt: skip
    return _text(root)


def unit_style() -> str:
    """QML of the units: outlines alone."""
    root = _document(None, None)
    _fill_symbol(_single(root), "0", "#6b6b6b", "no", 1.0)
    return _text(root)


def layer_metadata(title: str, rights: Sequence[str], licences: Iterable[str] = (), links: Iterable[str] = ()) -> str:
    """QGIS's own metadata of a layer: what it is, whom to credit, under which terms, where that is."""
    root = ET.Element("qgis", version="3.22")
    told = [("title", title), ("abstract", "; ".join(rights)), ("type", "dataset")]
    told += [*(("rights", text) for text in rights), *(("license", text) for text in licences)]
    for name, text in told:
        ET.SubElement(root, name).text = _printable(text)
    listed = ET.SubElement(root, "links")
    for url in links:
        ET.SubElement(listed, "link", name="Source", type="WWW:LINK", url=_printable(url))
    return _text(root)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def _document(start: str | None, end: str | None) -> ET.Element:
    root = ET.Element("qgis", version="3.22", styleCategories="Symbology|Temporal")
    if start and end:
        # mode 2: start and end from fields; limitMode 0: the end itself is excluded, as in the archive
        ET.SubElement(
            root, "temporal", enabled="1", mode="2", limitMode="0", startField=start, endField=end, accumulate="0",
            fixedDuration="0", durationField="", durationUnit="min", startExpression="", endExpression="",
        )  # fmt: skip
    return root


def _single(root: ET.Element) -> ET.Element:
    renderer = ET.SubElement(
        root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0", forceraster="0"
    )
    return ET.SubElement(renderer, "symbols")


def _fill_symbol(symbols: ET.Element, name: str, colour: str, pattern: str, opacity: float) -> None:
    symbol = ET.SubElement(symbols, "symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0")
    layer = ET.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    _options(layer, {
        "color": f"{red},{green},{blue},{round(255 * opacity)}", "style": pattern,
        "outline_color": f"{red},{green},{blue},255", "outline_style": "solid", "outline_width": "0.26",
        "outline_width_unit": "MM",
    })  # fmt: skip


def _options(layer: ET.Element, values: dict[str, str]) -> None:
    options = ET.SubElement(layer, "Option", type="Map")
    for name, value in values.items():
        ET.SubElement(options, "Option", type="QString", name=name, value=value)


def _text(root: ET.Element) -> str:
    ET.indent(root)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ET.tostring(root, encoding="unicode")
