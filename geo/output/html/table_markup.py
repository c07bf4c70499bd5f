"""A heading with its table and notes, as HTML from escaped text."""

from __future__ import annotations

from geo.output.brief_tables import Section, Table
from geo.presentation.html_text import escape


def section_html(section: Section) -> str:
    """A heading, its table and notes, as HTML from escaped text."""
    table = "" if section.table is None else _table(section.table, section.heading)
    notes = "".join(f'<p class="workings">{escape(note)}</p>' for note in section.notes)
    return f'<section id="{section.name}"><h2>{escape(section.heading)}</h2>{table}{notes}</section>'


def table_rows(table: Table) -> str:
    """Head and body of a table: its first column names the row, words stand left, figures right."""

    def kind(column: int) -> str:
        return "" if column >= table.numbers else ' class="word"'

    heads = "".join(f'<th scope="col"{kind(i)}>{escape(words)}</th>' for i, words in enumerate(table.columns))
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{kind(i)}>{escape(cell)}</td>" for i, cell in enumerate(row[1:], 1))
        + "</tr>"
        for row in table.rows
    )
    return f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>"


def _table(table: Table, name: str) -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}"><table>'
        f"<caption>{escape(table.caption)}</caption>{table_rows(table)}</table></div>"
    )
