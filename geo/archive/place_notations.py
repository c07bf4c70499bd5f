"""Places written in a text in figures, signs or codes: the second net behind withholding the text."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from urllib.parse import unquote

WITHHELD = "[place withheld]"
_NUMBER = r"[-+−]?\d{1,3}[.,]\d+"
_DEGREE = "°"
# what stands for a degree sign, and separators of other scripts
_SIGNS = str.maketrans({**dict.fromkeys("ºᵒ˚◦⁰∘", _DEGREE), "٫": ".", "，": ",", "．": ".", "·": "."})
_HEMISPHERE = (
    r"(?:[NSEWСЮВЗ]\b|[Пп]н|[Пп]д|[Сс]х|[Зз]х|[сюСЮ]\.?\s?ш|[взВЗ]\.?\s?д|"
    r"(?i:north|south|east|west|півн|півд|сх\.|зах|сев|юж|вост))"
)
_AXIS = (
    r"(?i:lat(?:itude)?|lon(?:g(?:itude)?)?|lng|широт\w*|довгот\w*|долгот\w*|northings?|eastings?|"
    r"north|east|coord\w*|координат\w*|gps|latlng|ll|utm|mgrs|wgs\W?84|ск\W?\d\d|point|geo|квадрат\w*|grid(?: ref\w*)?)"
)
_DIGIT_WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|\d+)"
_OLC = "23456789CFGHJMPQRVWX"
_PATTERNS = (
    # pairs of decimal degrees, and one with three decimals or more
    rf"(?:{_HEMISPHERE}\s*)?{_NUMBER}\s*°?\s*(?:{_HEMISPHERE})?(?:\s+(?:and|by|та|і|и)\s+|[\s,;:/|()\[\]x×*_&=%-]{{1,6}})"
    rf"(?:{_AXIS}\W{{0,3}})?(?:{_HEMISPHERE}\s*)?{_NUMBER}\s*°?\s*(?:{_HEMISPHERE})?",
    r"(?<![\d.,])[-+−]?\d{1,3}(?:\s?\.\s?\d{3,}|,\s?\d{4,})(?!\d)",
    # degrees, by signs, letters, colons, blanks and in words
    r"[-+−]?\d{1,3}(?:[.,]\d+)?\s*°(?:\s*\d{1,2}(?:[.,]\d+)?\s*[^\w\s]{0,2}){0,2}\s*[NSEWСЮВЗ]?",
    rf"\b\d{{1,3}}[\s:.*°-]{{1,3}}\d{{1,2}}(?:[.,]\d+)?(?:[\s:.*'′’-]{{1,3}}\d{{1,2}}(?:[.,]\d+)?)?"
    rf"[\s\"″”'′’]{{0,3}}{_HEMISPHERE}",
    r"\b[NSEWСЮВЗ]\s?\d{1,3}(?:[.,]\d+|[\s:.*°-]{1,3}\d{1,2}(?:[.,]\d+)?)(?:[\s:.*'′’-]{1,3}\d{1,2}(?:[.,]\d+)?)?",
    r"\b\d{1,3}(?:[.,]\d+)?\s?[NSСЮ]\b[\s,;/]{0,3}\d{1,3}(?:[.,]\d+)?\s?[EWВЗ]\b",
    r"\b\d{1,3}\s?[d*]\s?\d{1,2}(?:[.,]\d+)?\s?[m'′’]\s?(?:\d{1,2}(?:[.,]\d+)?\s?(?:s\b|[\"″”])?)?",
    r"\b\d{1,3}[\s:.-]{1,2}\d{1,2}[\s:.-]{1,2}\d{1,2}(?:[.,]\d+)?\s?[,;/ ]\s?"
    r"\d{1,3}[\s:.-]{1,2}\d{1,2}[\s:.-]{1,2}\d{1,2}(?:[.,]\d+)?",
    r"\b(?:\d{4,7}(?:[.,]\d+)?[NSСЮ]|[NSСЮ]\d{4,7})(?:\W{0,3}(?:\d{4,7}(?:[.,]\d+)?[EWВЗ]|[EWВЗ]\d{4,7}))?\b",
    r"(?i:(?:[\w.,-]{1,20}\s+){0,3}\b(?:degrees?|deg|град\w*)\b(?:\W{1,3}(?:and\s|та\s|и\s)?[\w.,-]{1,20}(?:\s[\w-]{1,20})?"
    r"\s+(?:minutes?|min|мин\w*|хв\w*|seconds?|secs?|сек\w*))*(?:\s+(?:north|south|east|west))?)",
    rf"(?i:(?:[\w-]{{1,20}}\s+){{1,2}}(?:point|dot|decimal|кома|коми|точка|целых|цілих)(?:\s+{_DIGIT_WORD}\b)+)",
    # an axis or a frame named beside its figures
    rf"(?<![^\W_]){_AXIS}(?:\W{{0,4}}(?:=|is|:)?\W{{0,3}}[NSEWXY]?\W{{0,3}}[-+−]?\d+(?:[.,]\d+)?){{1,8}}",
    r"(?i:\b[xyхуn,e]\s?[=:]\s?\d[\d\s]{4,9}(?:[.,]\d+)?)",
    r"(?<![\d])[+−-]\d{2,7}(?:[.,]\d+)?[+−-]\d{2,8}(?:[.,]\d+)?/?",  # ISO 6709
    # grids: UTM and Gauss-Krüger in metres, MGRS with and without its zone, Maidenhead, GARS, Georef
    r"\b(?:\d{1,2}\s?[C-X]?\s+)?\d{6,8}(?:[.,]\d+)?\s?m?\s?[EN]?\W{1,4}[A-Za-zХУху=\s]{0,4}\d{6,8}(?:[.,]\d+)?(?:\s?m)?[NE]?\b",
    r"\b[A-HJ-NP-Z]{2}\s\d{2}\s\d{3}\s\d{3}\b|(?i:\b\d{1,2}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{2}\s?\d{1,5}\s?\d{1,5}\b)|\b[A-HJ-NP-Z]{2}\s?\d{2,5}\s\d{2,5}\b|\b[A-HJ-NP-Z]{2}\s?\d{6,10}\b",
    r"\b\d{1,2}[C-HJ-NP-X]\s+\d{6}\s+\d{7}\b",
    r"\b[A-R]{2}\d{2}[A-Xa-x]{2}(?:\d{2}(?:[a-x]{2})?)?\b|\b\d{3}[A-HJ-NP-Z]{2}[1-4][1-9]?\b|\b[A-HJ-NP-Z]{4}\d{4,8}\b",
    # codes: plus codes, three words, geohash, cells and tiles, runs of digits
    rf"(?i:(?<![{_OLC}])(?:[{_OLC}0]{{8}}|[{_OLC}]{{4}}|[{_OLC}]{{6}})\+[{_OLC}]{{0,7}}(?!\w))",
    r"///\w+\.\w+\.\w+|(?i:(?:w3w|what3words|three words)\W{1,4}\w+\.\w+\.\w+)",
    r"(?<![\w.])[a-zа-я]{3,20}\.[a-zа-я]{3,20}\.[a-zа-я]{3,20}(?![\w.])",
    r"\b(?!\d+[a-z]{1,3}\b)(?=[a-z]{0,11}\d)(?=\d{0,11}[a-z])[0-9b-hjkmnp-z]{5,12}\b",
    r"(?i:\b(?=[a-f]{0,15}\d)[0-9a-f]{9,16}\b)|\b\d{9,}\b|\b\d{1,2}/\d{3,7}/\d{3,7}\b|(?<!\d)(?:\d[\s.,_]{1,3}){4,}\d\b",
)
_LINKS = r"(?i:(?:https?://|geo:|www\.)\S+|\b[\w-]{1,40}(?:\.[\w-]{1,40}){1,3}/\S+)"
_MAPS = (
    r"(?i:\S*(?:maps\.|/maps|google\.\w+/maps|openstreetmap|osm\.org|goo\.gl|wikimapia|geohack|what3words|w3w|bit\.ly|"
    r"tinyurl|deepstatemap|liveuamap|yandex\.\w+/maps|bing\.com/maps|waze|geo:)\S*)"
)
_IN_TEXT = re.compile("|".join((_LINKS, *_PATTERNS)))
_IN_LINK = re.compile("|".join((_MAPS, *_PATTERNS[:2], *_PATTERNS[-4:-2])))


def without_places(text: str, *, is_link: bool = False) -> str:
    """A text without what is written like a place; one that has nothing of the kind as it was."""
    plain = _plain(text)
    pattern = _IN_LINK if is_link else _IN_TEXT
    return pattern.sub(WITHHELD, plain) if pattern.search(plain) else text


def _plain(text: str) -> str:
    """The text as it is read: no signs without a width, one blank for many, figures and signs in their common form."""
    text = unicodedata.normalize("NFKC", unquote(unescape(text)).translate(_SIGNS))
    text = "".join(
        str(unicodedata.digit(c)) if c.isdigit() else c for c in text if unicodedata.category(c) not in ("Cf", "Mn")
    )
    text = re.sub(r"(?<=\d)(?:\s+([.,])\s*|\s*([.,])\s*\n\s*)(?=\d)", r"\1\2", text)
    return re.sub(r"\s+", " ", text)
