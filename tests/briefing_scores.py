"""How drafts are held against what a briefing says: field by field, precision and recall."""

from __future__ import annotations

import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from geo.extraction.briefing import read_briefing, text_of
from geo.geocoding.gazetteer import Gazetteer, open_gazetteer, stem_keys
from geo.text.languages import country_of
from geo.text.words import key_of

FOLDER = Path(__file__).with_name("briefings")
COUNTRIES = (
    "BF",
    "CD",
    "CF",
    "ET",
    "GE",
    "IL",
    "IN",
    "KE",
    "LB",
    "ML",
    "MM",
    "MZ",
    "NE",
    "NG",
    "PK",
    "PS",
    "RU",
    "SD",
    "SO",
    "SS",
    "SY",
    "TD",
    "UA",
    "YE",
)
FIELDS = ("where", "country", "event", "start", "killed", "injured", "captured", "claimed_by", "verification")


@dataclass
class Score:
    """Of one field, or of incidents as a whole: right, given and wanted."""

    right: int = 0
    given: int = 0
    wanted: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / self.given if self.given else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0


@cache
def open_places() -> Gazetteer:
    """The gazetteer of the texts' countries, built once in a run of the tests, outside the user's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = os.environ.get("GEO_TESTS_CACHE") or tempfile.mkdtemp(prefix="geo-places-")
    try:
        return open_gazetteer(countries=COUNTRIES)
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def cases(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """The texts of a folder with what they are to give."""
    return [
        (path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((FOLDER / folder).glob("*.toml"))
    ]


def written(low: Any, best: Any, high: Any) -> str:
    """A count as the files write it: 3, 3+, <=5, 3-5, ~20, and nothing where it is not known."""
    if low is None and best is None and high is None:
        return ""
    if low is not None and low == high:
        return f"{low}"
    if low is None and high is None:
        return f"~{best}"
    if high is None:
        return f"{low}+"
    return f"<={high}" if low is None else f"{low}-{high}"


def facts(draft: Any) -> dict[str, Any]:
    """A draft in the words of the files."""
    row = draft.fields
    return {
        "where": [s.text for s in draft.spans.get("where", ())],
        "country": row["iso2"] if "iso2" in row else row["country"],
        "event": row["sub_event_type"],
        "start": row["date_start"],
        "killed": written(row["low"], row["best"], row["high"]),
        "injured": written(row["injured_low"], row["injured_best"], row["injured_high"]),
        "captured": row["captured"],
        "claimed_by": row["claimed_by"],
        "verification": row["verification"],
    }


def agrees(name: str, found: Any, wanted: Any, names: Callable[[str], str]) -> bool:
    if name == "where":
        # a name in another case is the same name
        keys, told = ([*map(key_of, found)], key_of(wanted)) if wanted else ((), "")
        pairs = ((one, other) for key in keys for one in stem_keys(key) for other in stem_keys(told))
        return any(one in other or other in one for one, other in pairs) if wanted else not found
    if name == "country":
        return bool(found == names(wanted))
    if name == "claimed_by":
        return wanted in (found or "")
    return bool(found == wanted)


def match(
    drafts: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]], names: Callable[[str], str]
) -> list[int | None]:
    """Which draft answers each incident: the same place, then the most fields alike."""
    free = set(range(len(drafts)))
    answer: list[int | None] = []
    for incident in wanted:
        likely = [i for i in free if agrees("where", drafts[i]["where"], incident["where"], names)]
        best = max(
            likely,
            key=lambda i: sum(agrees(n, drafts[i][n], incident[n], names) for n in FIELDS if n in incident),
            default=None,
        )
        answer.append(best)
        free.discard(best)  # type: ignore[arg-type]
    return answer


def add(
    scores: dict[str, Score], name: str, case: dict[str, Any], found: Sequence[Any], names: Callable[[str], str]
) -> None:
    """Count what one text's drafts have right."""
    drafts = [facts(d) for d in found]
    wanted = case.get("incident", [])
    answer = match(drafts, wanted, names)
    whole = scores.setdefault("incidents", Score())
    whole.given += len(drafts)
    whole.wanted += len(wanted)
    whole.right += sum(i is not None for i in answer)
    whole.wrong += [f"{name}: missed {w['where']}" for w, i in zip(wanted, answer, strict=True) if i is None]
    whole.wrong += [f"{name}: not there {d['where']} {d['event']}" for i, d in enumerate(drafts) if i not in answer]
    for incident, i in zip(wanted, answer, strict=True):
        for key in FIELDS:
            if i is None:
                continue
            told, given = incident.get(key), drafts[i][key]
            blank = told in (None, "")
            if key == "country" and blank:
                continue
            if key in ("claimed_by", "verification") and blank:
                continue  # the files say it only where the text is plain about it
            score = scores.setdefault(key, Score())
            score.wanted += not blank
            score.given += given not in (None, "", [])
            right = given in (None, "", []) if blank else agrees(key, given, told, names)
            score.right += right and not blank
            if not right:
                score.wrong.append(f"{name}: {incident['where']}: {key} {given!r}, not {told!r}")


def score(folder: str) -> dict[str, Score]:
    """All texts of a folder, read and held against what they should give."""
    scores: dict[str, Score] = {}
    for name, case in cases(folder):
        reading = read_briefing(text_of(case["text"]), gazetteer=open_places())
        dateline = scores.setdefault("dateline", Score())
        dateline.given += 1
        dateline.wanted += 1
        dateline.right += (str(reading.dateline), reading.lang) == (case["date"], case["lang"])
        add(scores, name, case, reading.incidents, lambda code: country_of(code)[0] or "")
    return scores


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("known", "later"):
        print(f"{len(cases(chosen))} texts, {chosen}")
        for key, value in score(chosen).items():
            print(f"  {key:13} precision {value.precision:.3f}  recall {value.recall:.3f}  {value.right} right")
            print(*(f"    {line}" for line in value.wrong), sep="\n", end="\n" if value.wrong else "")
