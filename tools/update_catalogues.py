"""Bring the catalogues of words up to date with the texts of code, templates and scripts: new ones come in empty.

    python -m tools.update_catalogues

Texts are marked `_("…")`, `ngettext("…", "…", n)` and `N_("…")` in Python, `{{ _("…") }}` and `{% trans %}` in
templates, `_("…")` in scripts. Those that are gone are taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from csv import DictReader
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from tomllib import load

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from geo.assets import ASSETS, read_toml
from geo.presentation.basemap import credits
from geo.presentation.language import CATALOGUES, LANGUAGES

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
METHODS = [("**.py", "python"), ("assets/templates/**.html", "jinja2"), ("assets/**.js", "javascript")]
OPTIONS = {"assets/templates/**.html": {"trimmed": "true", "silent": "false"}}
# a catalogue changes where its texts do, and not with the day
CREATED = datetime(2026, 11, 29, tzinfo=UTC)
HEADER = "# The words of geo-control in another language; `python -m tools.update_catalogues` adds new ones, empty.\n"


def texts() -> Catalog:
    """All texts for readers, with the files that they stand in."""
    found = Catalog(charset="utf-8")
    for name, _, message, comments, context in extract_from_dir(
        ROOT / "geo", METHODS, OPTIONS, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        found.add(message, None, [(f"geo/{name}", 0)], auto_comments=comments, context=context)
    for name, said in _data_texts():
        found.add(said, None, [(f"geo/assets/{name}", 0)])
    return found


def _data_texts() -> Iterator[tuple[str, str]]:
    """Texts for readers in tables of data: what classes mean, what a source leaves out, the words of incidents."""
    with (ASSETS / "classes" / "meanings.csv").open(encoding="utf-8", newline="") as file:
        yield from (("classes/meanings.csv", row["meaning"]) for row in DictReader(file) if row["meaning"])
    yield from (("classes/coverage.toml", entry["says"]) for entry in read_toml("classes/coverage.toml").values())
    yield from (("credits.json", entry["text"].rstrip(".")) for entry in credits().values())
    titles = {str(reader["title"]) for reader in read_toml("readers.toml").values()}
    # those that are words, and no project's name
    yield from (("readers.toml", title) for title in sorted(titles) if re.search(r"\b(?!and\b)[a-z]{3,}\b", title))
    licences = {str(reader.get("licence", "")) for reader in read_toml("readers.toml").values()}
    yield from (("readers.toml", licence) for licence in sorted(licences) if re.search(r"[a-z]{3} [a-z]{3}", licence))
    whom = {str(reader.get("attribution", " ")) for reader in read_toml("readers.toml").values()}
    yield from (("readers.toml", text) for text in sorted(whom) if text[0].islower() or "named in" in text)
    with (ROOT / "seeds" / "control.toml").open("rb") as seeds:
        yield "../seeds/control.toml", load(seeds)["source"]["title"]
    for name in ("admin1_ua_ru.geojson", "countries.geojson"):
        features = loads((ASSETS / "units" / name).read_text(encoding="utf-8"))["features"]
        yield from ((f"units/{name}", text) for text in sorted({f["properties"]["boundary"] for f in features}))
    for name in ("incidents.txt", "notes.txt"):
        words = (ASSETS / "languages" / name).read_text(encoding="utf-8")
        yield from ((f"languages/{name}", line) for line in words.splitlines() if line)


def catalogue(code: str) -> Catalog:
    path = CATALOGUES / f"{code}.po"
    if not path.exists():
        return Catalog(locale=LANGUAGES[code].locale, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGES[code].locale, abort_invalid=True)


def main() -> None:
    CATALOGUES.mkdir(exist_ok=True)
    for code in LANGUAGES:
        if code == "en":
            continue
        words = catalogue(code)
        words.header_comment = HEADER
        words.fuzzy = False
        words.project, words.version, words.last_translator = "geo-control", "", "geo-control contributors"
        words.creation_date = words.revision_date = CREATED
        words.update(texts(), no_fuzzy_matching=True)
        words.obsolete.clear()
        with (CATALOGUES / f"{code}.po").open("wb") as file:
            write_po(file, words, width=100, no_location=False, include_lineno=False, sort_output=True)
        empty = sum(1 for m in words if m.id and not (all(m.string) if m.pluralizable else m.string))
        print(f"{code}: {len(words)} texts, {empty} not translated")


if __name__ == "__main__":
    main()
