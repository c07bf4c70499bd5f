"""The briefing as a Word document: real headings and tables, pictures with words, the same bytes for the same data."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from geo.output.brief_tables import Section, Table
from geo.output.documents.ooxml import Picture, column_widths, credit_file, fixed, lines_of, office, parts_of
from geo.output.images.fonts import plain

if TYPE_CHECKING:
    from geo.output.documents.content import Brief

_WIDE_CM = 17.0  # an A4 page between its margins


def brief_docx(brief: Brief, pictures: Sequence[Picture]) -> bytes:
    """A briefing as the content of a ``.docx`` file."""
    document = office("docx").Document()
    _set_up(document)
    credit_file(document, brief)
    document.add_heading(plain(brief.title), 0)
    document.add_paragraph(plain(brief.subtitle))
    for said, rests in lines_of(brief):
        paragraph = document.add_paragraph(style="List Bullet")
        paragraph.add_run(plain(said)).bold = True
        paragraph.add_run(f". {plain(rests)}" if rests else "")
    for part in parts_of(brief, pictures):
        if isinstance(part, Section):
            _section(document, part)
        else:
            _picture(document, part)
    document.add_heading("Sources", 1)
    for line in brief.credits:
        document.add_paragraph(plain(line), style="List Bullet")
    stream = io.BytesIO()
    document.save(stream)
    return fixed(stream.getvalue(), brief.moment)


def _set_up(document: Any) -> None:
    """A4, narrow margins, British English, one typeface in dark ink."""
    shared, ns = office("docx.shared"), office("docx.oxml.ns")
    page = document.sections[0]
    page.page_width, page.page_height = shared.Cm(21), shared.Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = shared.Cm(2)
    for language in document.styles.element.iter(ns.qn("w:lang")):
        language.set(ns.qn("w:val"), "en-GB")
    sizes = {"Normal": 10, "Title": 20, "Heading 1": 14, "List Bullet": 10}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = "Calibri", shared.Pt(size)
        style.font.color.rgb = shared.RGBColor(0x1C, 0x20, 0x24)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(ns.qn(f"w:{kind}"), None)


def _picture(document: Any, picture: Picture) -> None:
    heading, png, words = picture
    document.add_heading(plain(heading), 1)
    shape = document.add_picture(io.BytesIO(png), width=office("docx.shared").Cm(_WIDE_CM))
    facts = shape._inline.docPr
    facts.set("descr", plain(words))
    facts.set("title", plain(heading))


def _section(document: Any, section: Section) -> None:
    document.add_heading(plain(section.heading), 1)
    if section.table is not None:
        document.add_paragraph(plain(section.table.caption)).paragraph_format.keep_with_next = True
        _table(document, section.table)
    for note in section.notes:
        document.add_paragraph(plain(note))


def _table(document: Any, table: Table) -> None:
    shared, oxml = office("docx.shared"), office("docx.oxml")
    right = office("docx.enum.text").WD_ALIGN_PARAGRAPH.RIGHT
    made = document.add_table(len(table.rows) + 1, len(table.columns), style="Table Grid")
    made.autofit = False
    size = 8.5 if len(table.columns) < 7 else 8
    texts = [[plain(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = column_widths(texts, _WIDE_CM, letter=size / 48)
    for whole, width in zip(made.columns, widths, strict=True):
        whole.width = shared.Cm(width)
    cells = list(made._cells)  # asked for once: the library walks the whole table for every single cell
    for i, text in enumerate(cell for row in texts for cell in row):
        column, is_head = i % len(table.columns), i < len(table.columns)
        cells[i].width = shared.Cm(widths[column])
        if is_head:
            _shade(cells[i])
        paragraph = cells[i].paragraphs[0]
        paragraph.paragraph_format.space_after = shared.Pt(0)
        run = paragraph.add_run(text)
        run.font.size, run.font.bold = shared.Pt(size), is_head or column == 0
        if column >= table.numbers:
            paragraph.alignment = right
    for i, row in enumerate(made.rows):
        facts = row._tr.get_or_add_trPr()
        facts.append(oxml.OxmlElement("w:cantSplit"))
        if i == 0:  # repeated at the top of every page
            facts.append(oxml.OxmlElement("w:tblHeader"))
    document.add_paragraph().paragraph_format.space_after = shared.Pt(0)


def _shade(cell: Any) -> None:
    """A quiet head: the dark ink of the page on light grey."""
    shade = office("docx.oxml").OxmlElement("w:shd")
    name = office("docx.oxml.ns").qn
    for key, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", "E4E7EA")):
        shade.set(name(key), value)
    cell._tc.get_or_add_tcPr().append(shade)
