"""The briefing as a Word document and as slides: real headings and tables, the same bytes for the same data."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from geo.errors import UsageError
from geo.output.brief_tables import Section, Table
from geo.output.images.fonts import plain
from geo.presentation.language import current, gettext, isolated, ngettext

if TYPE_CHECKING:
    from geo.output.documents.content import Brief

Picture = tuple[str, bytes, str]  # heading, PNG, words


def office(module: str) -> Any:
    """A module of the library that writes an office format."""
    try:
        return import_module(module)
    except ImportError:
        kind = module.partition(".")[0]
        raise UsageError(
            f".{kind} needs python-{kind}, which is not installed: pip install 'geo-control[office]'"
        ) from None


def short(text: str, most: int) -> str:
    """Text on one line that XML may hold, cut at so many characters."""
    said = plain(text)
    return said if len(said) <= most else said[: most - 1].rstrip() + "…"


def credit_file(document: Any, brief: Brief) -> None:
    """Title, language and dates into the file's own description: dates are the data's, so the same data, same bytes."""
    properties = document.core_properties
    properties.title = short(brief.title, 255)
    properties.subject = short(brief.subtitle, 255)
    properties.author = properties.last_modified_by = "geo-control"
    properties.comments = properties.keywords = properties.category = ""
    properties.language = current().locale.replace("_", "-")
    properties.revision = 1
    properties.created = properties.modified = brief.moment.replace(tzinfo=None)


def fixed(saved: bytes, moment: datetime) -> bytes:
    """An office file with one time on all its parts."""
    when = (max(moment.year, 1980), moment.month, moment.day, 0, 0, 0)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            part = zipfile.ZipInfo(member.filename, when)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.external_attr = 0o600 << 16
            new.writestr(part, old.read(member))
    return made.getvalue()


def column_widths(texts: Sequence[Sequence[str]], room: float, *, letter: float) -> list[float]:
    """Columns as wide as their longest text asks for, and no word parted where that can be helped."""
    columns = list(zip(*texts, strict=True))
    words = [letter * (max(len(word) for cell in column for word in [*cell.split(), ""]) + 3) for column in columns]
    asked = [letter * (min(max(map(len, column)), 42) + 3) for column in columns]
    if sum(words) >= room:
        return [room * w / sum(words) for w in words]
    spare, more = room - sum(words), [max(a - w, 0.0) for a, w in zip(asked, words, strict=True)]
    whole = sum(more)
    return [w + spare * (m / whole if whole else 1 / len(words)) for w, m in zip(words, more, strict=True)]


def parts_of(brief: Brief, pictures: Sequence[Picture]) -> list[Picture | Section]:
    """Pictures and sections in the order of a document: the map, what changed, the other pictures, what was told."""
    return [*pictures[:1], *brief.moved, *pictures[1:], *brief.told]


def lines_of(brief: Brief) -> Sequence[tuple[str, str]]:
    """Each headline in two texts: what it says, and what it rests on."""
    if not brief.headlines:
        return [(brief.no_headline, "")]
    return [
        (
            f"{h.label}: {gettext('{km2} km²', km2=h.km2)}",
            gettext("; ").join(text for text in (h.moved, h.span, h.rests) if text),
        )
        for h in brief.headlines
    ]


_WIDE_CM = 17.0  # an A4 page between its margins


def brief_docx(brief: Brief, pictures: Sequence[Picture]) -> bytes:
    """A briefing as the content of a ``.docx`` file."""
    document = office("docx").Document()
    _set_up_docx(document)
    credit_file(document, brief)
    document.add_heading(plain(brief.title), 0)
    document.add_paragraph(plain(brief.subtitle))
    for said, rests in lines_of(brief):
        paragraph = document.add_paragraph(style="List Bullet")
        paragraph.add_run(plain(said)).bold = True
        paragraph.add_run(f". {plain(rests)}" if rests else "")
    for part in parts_of(brief, pictures):
        _docx_part(document, part)
    document.add_heading(gettext("Sources"), 1)
    for line in brief.credits:
        document.add_paragraph(plain(line), style="List Bullet")
    stream = io.BytesIO()
    document.save(stream)
    return fixed(stream.getvalue(), brief.moment)


def _set_up_docx(document: Any) -> None:
    """A4, narrow margins, the language that is spoken, one typeface in dark ink."""
    shared, ns = office("docx.shared"), office("docx.oxml.ns")
    page = document.sections[0]
    page.page_width, page.page_height = shared.Cm(21), shared.Cm(29.7)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = shared.Cm(2)
    for language in document.styles.element.iter(ns.qn("w:lang")):
        language.set(ns.qn("w:val"), current().locale.replace("_", "-"))
    sizes = {"Normal": 10, "Title": 20, "Heading 1": 14, "List Bullet": 10}
    for name, size in sizes.items():
        style = document.styles[name]
        style.font.name, style.font.size = "Calibri", shared.Pt(size)
        style.font.color.rgb = shared.RGBColor(0x1C, 0x20, 0x24)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for kind in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(ns.qn(f"w:{kind}"), None)


def _docx_part(document: Any, part: Picture | Section) -> None:
    if isinstance(part, Section):
        document.add_heading(plain(part.heading), 1)
        if part.table is not None:
            document.add_paragraph(plain(part.table.caption)).paragraph_format.keep_with_next = True
            _docx_table(document, part.table)
        for note in part.notes:
            document.add_paragraph(plain(note))
        return
    heading, png, words = part
    document.add_heading(plain(heading), 1)
    facts = document.add_picture(io.BytesIO(png), width=office("docx.shared").Cm(_WIDE_CM))._inline.docPr
    facts.set("descr", plain(words))
    facts.set("title", plain(heading))


def _docx_table(document: Any, table: Table) -> None:
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
            _shade_docx(cells[i])
        paragraph = cells[i].paragraphs[0]
        paragraph.paragraph_format.space_after = shared.Pt(0)
        run = paragraph.add_run(isolated(text))
        run.font.size, run.font.bold = shared.Pt(size), is_head or column == 0
        if column >= table.numbers:
            paragraph.alignment = right
    for i, row in enumerate(made.rows):
        facts = row._tr.get_or_add_trPr()
        facts.append(oxml.OxmlElement("w:cantSplit"))
        if i == 0:  # repeated at the top of every page
            facts.append(oxml.OxmlElement("w:tblHeader"))
    document.add_paragraph().paragraph_format.space_after = shared.Pt(0)


def _shade_docx(cell: Any) -> None:
    """A quiet head: the dark ink of the page on light grey."""
    shade = office("docx.oxml").OxmlElement("w:shd")
    name = office("docx.oxml.ns").qn
    for key, value in (("w:val", "clear"), ("w:color", "auto"), ("w:fill", "E4E7EA")):
        shade.set(name(key), value)
    cell._tc.get_or_add_tcPr().append(shade)


_WIDE, _HIGH, _EDGE, _TOP = 13.333, 7.5, 0.5, 1.15  # inches
_PPTX_ROWS, _PPTX_CELL, _PPTX_FIGURES, _PPTX_CREDITS = 11, 110, 4, 12  # what a slide has room for


def brief_pptx(brief: Brief, pictures: Sequence[Picture]) -> bytes:
    """A briefing as the content of a ``.pptx`` file."""
    deck = office("pptx").Presentation()
    _widen(deck)
    credit_file(deck, brief)
    said = lines_of(brief)
    figures = list(said[:_PPTX_FIGURES])
    if len(said) > _PPTX_FIGURES:
        figures.append(
            (
                ngettext("{n} more class", "{n} more classes", len(said) - _PPTX_FIGURES),
                gettext("in the table by class"),
            )
        )
    slide = _pptx_slide(deck, brief.title)
    _pptx_words(slide, [("", brief.subtitle), *figures], size=28, small=16)
    for part in parts_of(brief, pictures):
        if isinstance(part, Section):
            _pptx_section(deck, part)
        else:
            _pptx_picture(deck, part)
    for i in range(0, len(brief.credits), _PPTX_CREDITS):
        credits = [("", line) for line in brief.credits[i : i + _PPTX_CREDITS]]
        _pptx_words(_pptx_slide(deck, gettext("Sources")), credits, size=14, small=13)
    stream = io.BytesIO()
    deck.save(stream)
    return fixed(stream.getvalue(), brief.moment)


def _widen(deck: Any) -> None:
    """16:9, with the library's own 4:3 layouts drawn out to it."""
    inches = office("pptx.util").Inches
    share = _WIDE * 914400 / deck.slide_width
    deck.slide_width, deck.slide_height = inches(_WIDE), inches(_HIGH)
    for holder in (deck.slide_master, *deck.slide_layouts):
        for shape in holder.placeholders:
            if shape._element.xpath("./p:spPr/a:xfrm"):
                shape.left, shape.width = round(shape.left * share), round(shape.width * share)


def _pptx_slide(deck: Any, title: str) -> Any:
    util = office("pptx.util")
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    box = slide.shapes.title
    box.left, box.top = util.Inches(_EDGE), util.Inches(0.3)
    box.width, box.height = util.Inches(_WIDE - 2 * _EDGE), util.Inches(0.75)
    box.text_frame.word_wrap = True
    box.text_frame.text = short(title, 120)
    _pptx_style(box.text_frame.paragraphs[0], 26 if len(title) < 70 else 20, bold=True)
    return slide


def _pptx_style(paragraph: Any, size: float, *, bold: bool = False, right: bool = False) -> None:
    enum = office("pptx.enum.text").PP_ALIGN
    paragraph.alignment = enum.RIGHT if right else enum.LEFT
    for run in paragraph.runs:
        run.font.size, run.font.bold = office("pptx.util").Pt(size), bold
        run.font.language_id = office("pptx.enum.lang").MSO_LANGUAGE_ID.ENGLISH_UK
        run.font.color.rgb = office("pptx.dml.color").RGBColor(0x1C, 0x20, 0x24)


def _pptx_words(slide: Any, pairs: Sequence[tuple[str, str]], *, size: float, small: float) -> None:
    """Texts under one another, each with what it rests on in smaller type."""
    inches = office("pptx.util").Inches
    box = slide.shapes.add_textbox(
        inches(_EDGE), inches(_TOP), inches(_WIDE - 2 * _EDGE), inches(_HIGH - _TOP - _EDGE)
    )  # fmt: skip
    frame = box.text_frame
    frame.word_wrap = True
    lines = [
        (text, s, b) for said, rests in pairs for text, s, b in ((said, size, True), (rests, small, False)) if text
    ]
    for i, (text, points, bold) in enumerate(lines):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        paragraph.text = short(text, 300)
        paragraph.space_before = office("pptx.util").Pt(10 if bold or small < 14 else 0)
        _pptx_style(paragraph, points, bold=bold)


def _pptx_picture(deck: Any, picture: Picture) -> None:
    """A picture as large as its slide takes it, in the middle."""
    heading, png, words = picture
    inches = office("pptx.util").Inches
    slide = _pptx_slide(deck, heading)
    across, down = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))  # of a PNG's header
    wide = min(_WIDE - 2 * _EDGE, (_HIGH - _TOP - 0.1) * across / down)
    shape = slide.shapes.add_picture(io.BytesIO(png), inches((_WIDE - wide) / 2), inches(_TOP), width=inches(wide))
    facts = shape._element.nvPicPr.cNvPr
    facts.set("descr", plain(words))
    facts.set("name", plain(heading))


def _pptx_section(deck: Any, section: Section) -> None:
    slide = _pptx_slide(deck, section.heading)
    notes = list(section.notes)
    if section.table is None:
        _pptx_words(slide, [("", n) for n in notes], size=18, small=16)
        return
    shown, more = section.table.rows[:_PPTX_ROWS], []
    if len(section.table.rows) > len(shown):
        left = len(section.table.rows) - len(shown)
        words = "{n} more row in the page and the document of this briefing."
        more.append(ngettext(words, "{n} more rows in the page and the document of this briefing.", left))
    used = _pptx_table(slide, section.heading, section.table, shown)
    util = office("pptx.util")
    foot = slide.shapes.add_textbox(
        util.Inches(_EDGE), util.Inches(used), util.Inches(_WIDE - 2 * _EDGE), util.Inches(0.9)
    )  # fmt: skip
    foot.text_frame.word_wrap = True
    foot.text_frame.text = short(" ".join([*more, section.table.caption, *notes]), 600)
    _pptx_style(foot.text_frame.paragraphs[0], 11)


def _pptx_table(slide: Any, name: str, table: Table, shown: Sequence[Sequence[str]]) -> float:
    """A table across the slide; how far down it reaches, in inches."""
    util = office("pptx.util")
    across, down = len(table.columns), len(shown) + 1
    texts = [[short(cell, _PPTX_CELL) for cell in row] for row in (table.columns, *shown)]
    size = (18 if down <= 6 else 16 if down <= 9 else 14) - (3 if across > 6 else 0)
    room = _WIDE - 2 * _EDGE
    widths = column_widths(texts, room, letter=size / 105)
    per_inch = 118 / size
    heights = [
        max(-(-len(cell) // max(int(w * per_inch), 1)) for cell, w in zip(row, widths, strict=True)) * size / 60 + 0.12
        for row in texts
    ]
    squeeze = min(1.0, 4.9 / sum(heights))
    frame = slide.shapes.add_table(
        down, across, util.Inches(_EDGE), util.Inches(_TOP), util.Inches(room), util.Inches(squeeze * sum(heights))
    )  # fmt: skip
    frame.name = plain(name)
    frame._element.nvGraphicFramePr.cNvPr.set("descr", plain(table.caption))
    grid = frame.table
    grid.first_col, grid.horz_banding = True, False
    for i, width in enumerate(widths):
        grid.columns[i].width = util.Inches(width)
    for j, row in enumerate(texts):
        grid.rows[j].height = util.Inches(squeeze * heights[j])
        for i, text in enumerate(row):
            cell = grid.cell(j, i)
            cell.text_frame.word_wrap = True
            cell.text_frame.text = isolated(text)
            cell.margin_top = cell.margin_bottom = util.Inches(0.03)
            _fill_pptx(cell, head=j == 0)
            _pptx_style(
                cell.text_frame.paragraphs[0], size * max(squeeze, 0.7), bold=j == 0 or i == 0, right=i >= table.numbers
            )
    return _TOP + squeeze * sum(heights) + 0.25


def _fill_pptx(cell: Any, *, head: bool) -> None:
    """Quiet paper under dark ink: a head a shade darker than the rows."""
    cell.fill.solid()
    grey = (0xD7, 0xDB, 0xDF) if head else (0xF6, 0xF7, 0xF8)
    cell.fill.fore_color.rgb = office("pptx.dml.color").RGBColor(*grey)
