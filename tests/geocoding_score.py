"""How many mentions of a file of texts come out right."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geo.geocoding.gazetteer import Gazetteer, distance_km
from geo.geocoding.geocoder import LOCATED, Mention, mentions

FOLDER = Path(__file__).with_name("geocoding")


@dataclass
class Score:
    """Right and wrong mentions; an answer on the ground where the text has no mention is wrong too."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.right / (self.right + len(self.wrong))


def texts(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def score(table: dict[str, Any], gazetteer: Gazetteer) -> Score:
    total = Score()
    for entry in table["texts"]:
        found = mentions(entry["text"], gazetteer=gazetteer)
        used: set[int] = set()
        at = 0
        for want in entry["mentions"]:
            start = entry["text"].index(want["text"], at)
            at = start + len(want["text"])
            hit = next((m for m in found if m.start < at and start < m.end and m.start not in used), None)
            why = _wrong(want, hit)
            if hit is not None:
                used.add(hit.start)
            if why:
                total.wrong.append(f"{entry['id']}: {want['text']}: {why}")
            else:
                total.right += 1
            if hit is not None and hit.latitude is not None and want.get("region") not in (None, hit.adm_1):
                total.outside.append(f"{entry['id']}: {want['text']}: {hit.adm_1}")
        for extra in found:
            if extra.start not in used and extra.role in LOCATED and extra.text not in entry.get("free", ()):
                total.wrong.append(f"{entry['id']}: {extra.text}: no mention, but {extra.role} {extra.place}")
    return total


def _wrong(want: dict[str, Any], hit: Mention | None) -> str:
    if hit is None:
        return "not found"
    if hit.role != want["role"]:
        return f"{hit.role}, not {want['role']} ({hit.place}, {hit.adm_1}; {hit.why})"
    if "region" in want and hit.adm_1 != want["region"]:
        return f"in {hit.adm_1} ({hit.place}; {hit.why}; {hit.runner_up})"
    if "prec" in want and hit.where_prec != want["prec"]:
        return f"where_prec {hit.where_prec} ({hit.place}; {hit.why})"
    if "at" in want:
        if hit.latitude is None or hit.longitude is None:
            return "without coordinates"
        away = distance_km((want["at"][0], want["at"][1]), (hit.latitude, hit.longitude))
        if away > 15:
            return f"{away:.0f} km off ({hit.place}, {hit.adm_1}; {hit.why}; {hit.runner_up})"
    return ""
