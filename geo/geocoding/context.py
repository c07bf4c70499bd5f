"""What the other places of a text speak for: near ones, the same region, the same country, all candidates at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo.geocoding.lookup import Place

if TYPE_CHECKING:
    from geo.geocoding.context_words import Span

# parts of the score, in the unit of geo.geocoding.ranking: ten times the people
CLOSE, MANY_CLOSE, SAME_REGION, SAME_COUNTRY = 1.6, 0.8, 1.5, 1.5
CLOSE_KM = 60.0
# how fast a candidate that lies behind the first of its name loses its voice
DOUBT = 1.2
_MOST = 12  # candidates of a name that are heard

Ranked = list[tuple[Place, float, list[str]]]


@dataclass
class Weighed:
    """A mention with its candidates, best first: place, score and the parts of the score in words."""

    span: Span
    ranked: Ranked = field(default_factory=list)
    beside: list[Place] = field(default_factory=list)
    within: list[tuple[Place, float, str]] = field(default_factory=list)

    @property
    def best(self) -> Place | None:
        """The candidate with the highest score."""
        return self.ranked[0][0] if self.ranked else None


def group_of(row: Weighed) -> str:
    """What mentions of one name share."""
    return f"{row.span.text.casefold()} {row.span.kind}"


class Company:
    """The candidates of a text's names, their distances and their units, as arrays."""

    def __init__(self, table: Sequence[Weighed]) -> None:
        self._rows = [row for row in table if row.span.located and row.ranked]
        first: dict[str, Weighed] = {}
        for row in self._rows:
            first.setdefault(group_of(row), row)
        self._names = list(first)
        places = [(n, p) for n, row in enumerate(first.values()) for p, _, _ in row.ranked[:_MOST]]
        self._places = [p for _, p in places]
        self._name = np.array([n for n, _ in places], dtype=np.intp)
        self._close = _closeness(self._places)
        self._area = _alike([p.area for p in self._places])
        self._country = _alike([p.country for p in self._places])

    def support(self) -> dict[tuple[str, int], tuple[float, str]]:
        """Name and place -> what the other names are worth to it, and the nearest of them in words."""
        count = len(self._names)
        if count < 2:
            return {}
        voice = self._voices()
        starts = np.searchsorted(self._name, np.arange(count))
        parts = []
        for matrix in (self._close, self._area, self._country):
            heard = np.maximum.reduceat(matrix * voice, starts, axis=1)
            heard[np.arange(len(self._name)), self._name] = 0.0
            parts.append(heard)
        close, area, country = parts
        worth = (
            CLOSE * close.max(axis=1)
            + MANY_CLOSE * close.sum(axis=1) / (count - 1)
            + SAME_REGION * area.sum(axis=1) / (count - 1)
            + SAME_COUNTRY * country.sum(axis=1) / (count - 1)
        )
        said = self._said(close, starts)
        keys = ((self._names[n], p.number) for n, p in zip(self._name, self._places, strict=True))
        return dict(zip(keys, zip(worth.tolist(), said, strict=True), strict=True))

    def _voices(self) -> NDArray[np.float64]:
        """How far each candidate is to be believed: 1 the first of its name, less the farther it lies behind."""
        scores: dict[tuple[str, int], float] = {}
        for row in self._rows:
            for place, score, _ in row.ranked:
                key = group_of(row), place.number
                scores[key] = max(score, scores.get(key, -99.0))
        keys = ((self._names[n], p.number) for n, p in zip(self._name, self._places, strict=True))
        mine = np.array([scores[key] for key in keys])
        best = np.full(len(self._names), -99.0)
        np.maximum.at(best, self._name, mine)
        return np.asarray(np.exp((mine - best[self._name]) / DOUBT), dtype=np.float64)

    def _said(self, close: NDArray[np.float64], starts: NDArray[np.intp]) -> list[str]:
        nearest = close.argmax(axis=1)
        names = [self._places[i].name for i in starts]
        return [
            f"near {names[n]}" if value > 0.3 else ""
            for n, value in zip(nearest.tolist(), close.max(axis=1).tolist(), strict=True)
        ]


def _closeness(places: Sequence[Place]) -> NDArray[np.float64]:
    """1 at the same point, less with distance; 0 for what is larger than a district."""
    lat = np.radians([p.latitude for p in places])
    lon = np.radians([p.longitude for p in places])
    small = np.array([p.kind in ("place", "district") for p in places], dtype=bool)
    half = np.sin((lat[:, None] - lat) / 2) ** 2
    half += np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    away = 12742.0 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
    return np.asarray(np.exp(-away / CLOSE_KM) * (small[:, None] & small), dtype=np.float64)


def _alike(words: Sequence[str]) -> NDArray[np.float64]:
    numbers = {word: n for n, word in enumerate(dict.fromkeys(words))}
    codes = np.array([numbers[w] if w else -1 for w in words])
    return np.asarray((codes[:, None] == codes) & (codes >= 0), dtype=np.float64)
