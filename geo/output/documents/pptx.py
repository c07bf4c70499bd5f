"""The briefing as slides, 16:9: a title and a message each, real tables, pictures with words, the same bytes again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from geo.output.brief_tables import Section, Table
from geo.output.documents.ooxml import (
    Picture,
    aspect,
    column_widths,
    credit_file,
    fixed,
    lines_of,
    office,
    parts_of,
    short,
)
from geo.output.images.fonts import plain

if TYPE_CHECKING:
    from geo.output.documents.content import Brief

_WIDE, _HIGH, _EDGE, _TOP = 13.333, 7.5, 0.5, 1.15  # inches
_ROWS, _CELL, _FIGURES, _CREDITS = 11, 110, 4, 12  # what a slide has room for


def brief_pptx(brief: Brief, pictures: Sequence[Picture]) -> bytes:
    """A briefing as the content of a ``.pptx`` file."""
    deck = office("pptx").Presentation()
    _widen(deck)
    credit_file(deck, brief)
    said = lines_of(brief)
    figures = list(said[:_FIGURES])
    if len(said) > _FIGURES:
        figures.append((f"{len(said) - _FIGURES} more classes", "in the table by class"))
    slide = _slide(deck, brief.title)
    _words(slide, [("", brief.subtitle), *figures], size=28, small=16)
    for part in parts_of(brief, pictures):
        if isinstance(part, Section):
            _section(deck, part)
        else:
            _picture(deck, part)
    for i in range(0, len(brief.credits), _CREDITS):
        _words(_slide(deck, "Sources"), [("", line) for line in brief.credits[i : i + _CREDITS]], size=14, small=13)
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


def _slide(deck: Any, title: str) -> Any:
    """A slide with a title alone."""
    util = office("pptx.util")
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    box = slide.shapes.title
    box.left, box.top = util.Inches(_EDGE), util.Inches(0.3)
    box.width, box.height = util.Inches(_WIDE - 2 * _EDGE), util.Inches(0.75)
    box.text_frame.word_wrap = True
    box.text_frame.text = short(title, 120)
    _style(box.text_frame.paragraphs[0], 26 if len(title) < 70 else 20, bold=True)
    return slide


def _style(paragraph: Any, size: float, *, bold: bool = False, right: bool = False) -> None:
    enum = office("pptx.enum.text").PP_ALIGN
    paragraph.alignment = enum.RIGHT if right else enum.LEFT
    for run in paragraph.runs:
        run.font.size, run.font.bold = office("pptx.util").Pt(size), bold
        run.font.language_id = office("pptx.enum.lang").MSO_LANGUAGE_ID.ENGLISH_UK
        run.font.color.rgb = office("pptx.dml.color").RGBColor(0x1C, 0x20, 0x24)


def _words(slide: Any, pairs: Sequence[tuple[str, str]], *, size: float, small: float) -> None:
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
        _style(paragraph, points, bold=bold)


def _picture(deck: Any, picture: Picture) -> None:
    """A picture as large as its slide takes it, in the middle."""
    heading, png, words = picture
    inches = office("pptx.util").Inches
    slide = _slide(deck, heading)
    wide = min(_WIDE - 2 * _EDGE, (_HIGH - _TOP - 0.1) / aspect(png))
    shape = slide.shapes.add_picture(io.BytesIO(png), inches((_WIDE - wide) / 2), inches(_TOP), width=inches(wide))
    facts = shape._element.nvPicPr.cNvPr
    facts.set("descr", plain(words))
    facts.set("name", plain(heading))


def _section(deck: Any, section: Section) -> None:
    slide = _slide(deck, section.heading)
    notes = list(section.notes)
    if section.table is None:
        _words(slide, [("", n) for n in notes], size=18, small=16)
        return
    shown, more = section.table.rows[:_ROWS], []
    if len(section.table.rows) > len(shown):
        left = len(section.table.rows) - len(shown)
        more.append(f"{left:,} more row{'s' if left > 1 else ''} in the page and the document of this briefing.")
    used = _table(slide, section.heading, section.table, shown)
    util = office("pptx.util")
    foot = slide.shapes.add_textbox(
        util.Inches(_EDGE), util.Inches(used), util.Inches(_WIDE - 2 * _EDGE), util.Inches(0.9)
    )  # fmt: skip
    foot.text_frame.word_wrap = True
    foot.text_frame.text = short(" ".join([*more, section.table.caption, *notes]), 600)
    _style(foot.text_frame.paragraphs[0], 11)


def _table(slide: Any, name: str, table: Table, shown: Sequence[Sequence[str]]) -> float:
    """A table across the slide; how far down it reaches, in inches."""
    util = office("pptx.util")
    across, down = len(table.columns), len(shown) + 1
    texts = [[short(cell, _CELL) for cell in row] for row in (table.columns, *shown)]
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
            cell.text_frame.text = text
            cell.margin_top = cell.margin_bottom = util.Inches(0.03)
            _fill(cell, head=j == 0)
            _style(
                cell.text_frame.paragraphs[0], size * max(squeeze, 0.7), bold=j == 0 or i == 0, right=i >= table.numbers
            )
    return _TOP + squeeze * sum(heights) + 0.25


def _fill(cell: Any, *, head: bool) -> None:
    """Quiet paper under dark ink: a head a shade darker than the rows."""
    cell.fill.solid()
    grey = (0xD7, 0xDB, 0xDF) if head else (0xF6, 0xF7, 0xF8)
    cell.fill.fore_color.rgb = office("pptx.dml.color").RGBColor(*grey)
