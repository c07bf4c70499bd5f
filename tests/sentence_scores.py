"""How single sentences are held against what they say: counts of people, figures of ground, places."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

from geo.claims.model import Claim
from geo.claims.reading import find_claims
from geo.extraction.casualties import find_casualties
from geo.extraction.event_merging import count_of
from geo.geocoding.gazetteer import open_gazetteer
from geo.geocoding.geocoder import LOCATED, mentions
from geo.text.sentences import TextSpan, language_of, sentences
from tests.briefing_scores import Score, written

FOLDER = Path(__file__).with_name("sentences")
KINDS = ("killed", "injured", "captured", "abducted")
DAY = "2025-01-11"


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="|", quoting=csv.QUOTE_NONE))


def counted(text: str) -> dict[str, str]:
    """What a text says of people killed, injured, captured and abducted, as the files write it."""
    passage = TextSpan(0, len(text), text, language_of(text))
    found = [count for sentence in sentences(passage) for count in find_casualties(sentence)]
    counts = {kind: count_of(found, kind)[0] for kind in KINDS}  # type: ignore[arg-type]
    return {kind: written(c.low, c.best, c.high) for kind, c in counts.items()}


def casualties(name: str) -> dict[str, Score]:
    scores = {kind: Score() for kind in KINDS}
    for row in rows(name):
        found = counted(row["text"])
        for kind, score in scores.items():
            told = row[kind] or ""
            score.wanted += bool(told)
            score.given += bool(found[kind])
            score.right += bool(told) and told == found[kind]
            if told != found[kind]:
                score.wrong.append(f"{row['text']}: {kind} {found[kind]!r}, not {told!r}")
    return scores


def as_gold(claim: Claim) -> list[str]:
    """A claim in the columns of the files: the last day of a whole month for its end."""
    end = claim.date_to or "-"
    if end.endswith("T00:00Z"):
        end = (date.fromisoformat(end[:10]) - timedelta(days=1)).isoformat()
    quantity, figure = claim.quantity, claim.value or 0.0
    if quantity == "net":  # "grew by", "shrank by": the files say which way
        quantity, figure = ("gained", figure) if figure >= 0 else ("lost", -figure)
    value = f"{figure:g}"
    return [str(part or "-") for part in (quantity, claim.controller, claim.unit, claim.comparator, value,
                                          claim.value_unit, end)]  # fmt: skip


def areas(name: str) -> dict[str, Score]:
    """Claims found, and how many sentences have one that the text does not make."""
    return areas_of(rows(name))


def areas_of(listed: list[dict[str, str]]) -> dict[str, Score]:
    figures, sentences_ = Score(), Score()
    for row in listed:
        wanted = [item.split(",") for item in (row["wanted"] or "").split(";") if item]
        loose = ["*"] in wanted
        wanted = [item for item in wanted if item != ["*"]]
        found = [as_gold(c) for c in find_claims(row["text"], date=DAY)]
        left = [f for f in found if not any(_same(f, w) for w in wanted)]
        figures.wanted += len(wanted)
        figures.right += sum(any(_same(f, w) for f in found) for w in wanted)
        figures.given += len(found) - (len(left) if loose else 0)
        sentences_.given += 1
        sentences_.wanted += 1
        sentences_.right += loose or not left
        if (left and not loose) or any(not any(_same(f, w) for f in found) for w in wanted):
            figures.wrong.append(f"{'WRONG' if left and not loose else 'missed'} {row['text']}: {left or found}")
    return {"figures": figures, "sentences without a wrong figure": sentences_}


def _same(found: list[str], wanted: list[str]) -> bool:
    return all(w in ("*", f) for f, w in zip(found, wanted, strict=True))


def places(name: str) -> dict[str, Score]:
    """Names found with their role and country; none that is no name."""
    whole, country = Score(), Score()
    gazetteer = open_gazetteer()
    for row in rows(name):
        at = row["text"].index(row["mention"])
        hit = next((m for m in mentions(row["text"], gazetteer=gazetteer)
                    if m.start < at + len(row["mention"]) and at < m.end), None)  # fmt: skip
        why = _wrong(row, hit)
        whole.wanted += 1
        whole.given += 1
        whole.right += not why
        if why:
            whole.wrong.append(f"{row['text']} {row['mention']}: {why}")
        if row["country"] and hit is not None and hit.latitude is not None:
            country.given += 1
            country.wanted += 1
            country.right += hit.country == row["country"]
    return {"mentions": whole, "country": country}


def _wrong(row: dict[str, str], hit: object) -> str:
    role = getattr(hit, "role", "none")
    located = role in LOCATED
    told = f"{role} {getattr(hit, 'place', '')}, {getattr(hit, 'adm_1', '')}, {getattr(hit, 'country', '')}"
    if row["role"] == "none":
        return told if located else ""
    if row["role"] == "metonym":
        return told if located else ""
    if row["role"] == "unplaced":  # a name of a place that no gazetteer here has
        return "not found" if hit is None else told if getattr(hit, "latitude", None) is not None else ""
    if row["role"] == "found":
        return "" if hit is not None else "not found"
    if not located or getattr(hit, "country", None) != row["country"]:
        return told
    return "" if (row["region"] or "") in (getattr(hit, "adm_1", "") or "") else told
