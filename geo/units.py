"""Administrative units: a code or a name to its unit, a point to its country."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from babel import Locale
from babel.core import get_global
from numpy.typing import NDArray

from geo.assets import ASSETS
from geo.errors import FileError, UnitError
from geo.schema import number_of, text_or_none

# Words that people add to or leave off a unit's name.
_KINDS = (
    "oblast", "region", "province", "governorate", "district", "raion", "krai", "republic", "state", "autonomous",
    "of", "the", "область", "області", "край", "республика", "республіка", "район", "автономная", "автономна",
)  # fmt: skip

_SPELLINGS = ASSETS / "names" / "units.csv"
# "Kursk Oblast" is known without its last word, "Moscow" the city must not be taken for its oblast
_ENGLISH_KIND = re.compile(r" (?:Oblast|Krai|Republic|Region|Province|Governorate|State|District)$")
_ADJECTIVE = re.compile(r"^(\w+?)(?:ська|ский|ская|цька|цкая|цкий) (?:область|край)$")

_NEAR = 0.6  # share of letters alike, from which a name is near another
_ENDING = 4  # letters at most that a case or a gender adds


def find_unit(units: pd.DataFrame, wanted: str, *, boundary: str | None = None) -> int:
    """Which row of `units` a code or a name means."""
    wanted = wanted.encode("utf-8", "replace").decode("utf-8")  # halves of signs are no letters of any name
    pool = units.reset_index(drop=True)
    if boundary is not None:
        pool = units_of_set(pool, boundary)
    for matches in (_by_code, _by_name, _by_bare_name, _by_spelling):
        found = pool[matches(pool, wanted)]
        if len(found):
            return _the_one(found, wanted)
    near = _near(pool, wanted)
    hint = f"; near it: {', '.join(near)}" if near else "; geo units lists them"
    raise UnitError(f"no unit {wanted!r} in the archive{hint}")


def _near(pool: pd.DataFrame, wanted: str) -> list[str]:
    """Names of the units that are written almost so, without words such as "oblast", or with letters swapped."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    rows = list(zip(pool["unit"], pool["name"], pool["name_local"], strict=True))
    words = [(bare_name(str(word)), str(row[1])) for row in rows for word in row if text_or_none(word)]
    words += [(bare_name(w.rstrip("*")), str(n)) for u, n, local in rows
              for w in unit_words({"unit": u, "name": n, "name_local": local})]  # fmt: skip
    scored = process.extract(
        bare_name(wanted) or wanted, [word for word, _ in words], scorer=OSA.normalized_similarity, limit=12,
        score_cutoff=_NEAR,
    )  # fmt: skip
    return list(dict.fromkeys(words[at][1] for _, _, at in scored))[:5]


def units_of_set(units: pd.DataFrame, boundary: str) -> pd.DataFrame:
    mine = units[units["boundary"] == boundary]
    if mine.empty:
        sets = ", ".join(sorted(set(units["boundary"])))
        raise UnitError(f"no boundary set {boundary!r} in the archive; there are: {sets or 'none'}")
    return mine


def _by_code(pool: pd.DataFrame, wanted: str) -> pd.Series:
    return pool["unit"].fillna("").str.casefold() == wanted.strip().casefold()


def _by_name(pool: pd.DataFrame, wanted: str) -> pd.Series:
    key = _plain(wanted)
    return bool(key) & ((pool["name"].map(_plain) == key) | (pool["name_local"].fillna("").map(_plain) == key))


def _by_bare_name(pool: pd.DataFrame, wanted: str) -> pd.Series:
    key = bare_name(wanted)
    hit = (pool["name"].map(bare_name) == key) | (pool["name_local"].fillna("").map(bare_name) == key)
    return hit & bool(key)


def unit_words(row: Mapping[str, Any]) -> list[str]:
    """The words for a unit: its names without the kind of unit where they end in one, and other languages' for it."""
    name, local = str(row["name"]), text_or_none(row["name_local"])
    words = [name]
    if bare := _ENGLISH_KIND.sub("", name):
        words.append(bare if bare != name and bare not in ("Moscow", "Kyiv") else name)
    if local:
        adjective = _ADJECTIVE.match(local)
        stem = local.split(" ")[0][:-1] if adjective is None else local.split(" ")[0]
        if adjective:
            ending = re.search(r"(ськ|ск|цьк|цк)\w+$", stem)
            words.append(f"{stem[: ending.end(1)]}*" if ending else local)
        else:
            words.append(local)
    return [*words, *_spellings().get(str(row["unit"]), ())]


@lru_cache(maxsize=1)
def _spellings() -> dict[str, list[str]]:
    return {row["unit"]: row["words"].split("|") for row in read_table(_SPELLINGS)}


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table that the package ships."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))
    except OSError as error:
        raise FileError(f"{path}: missing; install geo-control again ({error})") from None


def _by_spelling(pool: pd.DataFrame, wanted: str) -> pd.Series:
    key = bare_name(wanted)
    rows = zip(pool["unit"], pool["name"], pool["name_local"], strict=True)
    words = (unit_words({"unit": unit, "name": name, "name_local": local}) for unit, name, local in rows)
    return pd.Series([bool(key) and any(_is_spelt(word, key) for word in known) for known in words], index=pool.index)


def _is_spelt(word: str, key: str) -> bool:
    """Whether a name is one of those that a word with ``*`` for any ending stands for."""
    stem = _plain(word.rstrip("*"))
    if not word.endswith("*"):
        return bare_name(word) == key
    ending = key.removeprefix(stem)
    return key.startswith(stem) and len(ending) <= _ENDING and (ending.isalpha() or not ending)


_LONGEST = 400  # characters of a name that are compared


def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name[:_LONGEST].casefold())
    return " ".join("".join(c for c in folded if not unicodedata.combining(c) and c not in "'’ʼ`").split())


def bare_name(name: str) -> str:
    """A unit's name in small letters, without accents and words such as "oblast"."""
    return " ".join(word for word in _plain(name).replace("-", " ").split() if word not in _KINDS)


def _the_one(found: pd.DataFrame, wanted: str) -> int:
    """Of several boundary sets the last; of several units in it, none."""
    codes = found["unit"].fillna(found["name"]).nunique()
    if codes > 1:
        rows = zip(found["unit"].fillna("-"), found["name"], found["boundary"], strict=True)
        listed = "; ".join(f"{code} {name} ({boundary})" for code, name, boundary in rows)
        raise UnitError(f"{wanted!r} fits several units: {listed}. Give the code")
    return int(found.index[-1])


def finest_level(units: gpd.GeoDataFrame, ground: gpd.GeoDataFrame) -> int:
    """The finest level of units that any of the ground lies in; 0 where there are none."""
    tree = shapely.STRtree(np.asarray(ground.geometry.array, dtype=object))
    for level in sorted(set(units["level"]), reverse=True):
        shapes = np.asarray(units.geometry.array, dtype=object)[units["level"] == level]
        if len(tree.query(shapes, predicate="intersects")[0]):
            return int(level)
    return 0


@dataclass(frozen=True)
class Countries:
    """Where points lie: by the finest unit around them, and so up to its country."""

    areas_km2: Mapping[str, float]
    names: Mapping[str, str]
    detail: shapely.STRtree
    coarse: shapely.STRtree
    detail_codes: NDArray[np.object_]
    detail_names: NDArray[np.object_]
    coarse_codes: NDArray[np.object_]
    of_rows: pd.Series

    def of(self, units: gpd.GeoDataFrame) -> NDArray[np.object_]:
        """The country of each of some of the units; "" where none is known."""
        return np.asarray(self.of_rows[units.index], dtype=object)

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.object_]:
        """Country code of each point, "" at sea or where no unit is known."""
        points = shapely.points(lon, lat)
        codes = np.full(len(points), "", dtype=object)
        for tree, names in ((self.coarse, self.coarse_codes), (self.detail, self.detail_codes)):
            who, unit = around(tree, points)
            codes[who] = names[unit]
        return codes

    def code_of(self, text: str) -> str | None:
        """The country that a name or a code (two or three letters, or a number) means."""
        if text not in self._meant:  # the same few words stand in every map of a series
            outer, _, inner = text.partition("(")  # as in "DR Congo (Zaire)"
            keys = (text.strip().casefold(), bare_name(text), bare_name(outer), bare_name(inner.rstrip(") ")))
            self._meant[text] = next((self.codes[key] for key in keys if key in self.codes), None)
        return self._meant[text]

    @cached_property
    def _meant(self) -> dict[str, str | None]:
        return {}

    def named_in(self, text: str) -> set[str]:
        """The countries that a text names in words of more than three letters, the longest name first."""
        words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
        left, found = f" {bare_name(' '.join(words))} ", set()
        for key in self._long_names if words else ():
            if f" {key} " in left:
                left = left.replace(f" {key} ", " ")
                found.add(self.codes[key])
        return found

    @cached_property
    def _long_names(self) -> list[str]:
        return sorted((key for key in self.codes if len(key) > 3), key=len, reverse=True)

    def grounds_of(self, codes: Collection[str] | None) -> shapely.STRtree:
        """The polygons of some of the countries, or of all."""
        if codes is None:
            return self.grounds[0]
        key = frozenset(codes)
        if key not in self._some_grounds:
            tree, whose = self.grounds
            self._some_grounds[key] = shapely.STRtree(tree.geometries[np.isin(whose, list(codes))])
        return self._some_grounds[key]

    @cached_property
    def _some_grounds(self) -> dict[frozenset[str], shapely.STRtree]:
        return {}

    @cached_property
    def codes(self) -> dict[str, str]:
        """What countries are called, in small letters, and the code of each."""
        others: dict[str, list[str]] = {}  # alpha-3 and numeric codes by alpha-2
        for other, meant in get_global("territory_aliases").items():
            if len(other) == 3 and len(meant) == 1:
                others.setdefault(meant[0], []).extend((other, other.lstrip("0")))
        english = Locale("en").territories
        found: dict[str, str] = {}
        for code, name in self.names.items():
            words = [name or "", english.get(code, ""), *_spellings().get(code, ())]
            codes = (code or "", *others.get(code, ()))
            found |= {key: code for key in (*map(str.casefold, codes), *map(bare_name, words)) if key}
        return found

    @cached_property
    def grounds(self) -> tuple[shapely.STRtree, NDArray[np.object_]]:
        """Every single polygon of the countries, and whose it is."""
        parts, owner = shapely.get_parts(self.coarse.geometries, return_index=True)
        return shapely.STRtree(parts), self.coarse_codes[owner]

    def in_detail(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each point lies in a unit below the countries."""
        inside = np.zeros(len(lon), dtype=bool)
        inside[around(self.detail, shapely.points(lon, lat))[0]] = True
        return inside


def around(tree: shapely.STRtree, points: NDArray[np.object_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which points lie in which units: the units are prepared, which a query by predicate does for the points alone."""
    who, unit = tree.query(points)
    shapely.prepare(tree.geometries[np.unique(unit)])
    inside = shapely.intersects(tree.geometries[unit], points[who])
    return who[inside], unit[inside]


def countries_of(units: gpd.GeoDataFrame) -> Countries:
    """Make the look-up from an archive's units."""
    top = units["level"] == 0
    geometry = np.asarray(units.geometry.array, dtype=object)
    fine = unit_countries(units)
    is_top = top.to_numpy()
    return Countries(
        areas_km2=dict(zip(units["unit"][top], units["area_km2"][top], strict=True)),
        names=dict(zip(units["unit"][top], units["name"][top], strict=True)),
        detail=shapely.STRtree(geometry[~is_top]),
        coarse=shapely.STRtree(geometry[is_top]),
        detail_codes=fine[~is_top],
        detail_names=units["name"].to_numpy(dtype=object)[~is_top],
        coarse_codes=fine[is_top],
        of_rows=pd.Series(fine, index=units.index, dtype=object),
    )


def unit_countries(units: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """The country of each unit: by its parents, or where they reach none, the one in which it lies; "" is none."""
    found, codes, top = _by_parents(units), units["unit"].to_numpy(dtype=object), units["level"].to_numpy() == 0
    if top.any():
        lost = np.flatnonzero(~top & ~np.isin(found, found[top]))
        for at, country in zip(lost, countries_by_place(units[top], units.geometry.iloc[lost]), strict=True):
            found[at] = country or ("" if found[at] == text_or_none(codes[at]) else found[at])
    return found


def _by_parents(units: gpd.GeoDataFrame) -> NDArray[np.object_]:
    codes, above = ([text_or_none(v) for v in units[c]] for c in ("unit", "parent"))
    parents = {u: p for u, p in zip(codes, above, strict=True) if u and p}
    return np.array([_country_of(u or p or "", parents) for u, p in zip(codes, above, strict=True)], dtype=object)


def located_notes(known: gpd.GeoDataFrame, new: gpd.GeoDataFrame) -> tuple[str, ...]:
    """What is to be said of new units whose parents no unit of the archive is: their country is found by place."""
    missing = new["level"].gt(0) & ~new["parent"].isin([*known["unit"], *new["unit"]])
    if not missing.any():
        return ()
    both = gpd.GeoDataFrame(pd.concat([known, new], ignore_index=True), crs=new.crs)
    said, found = (codes[len(known) :] for codes in (_by_parents(both), unit_countries(both)))
    codes = sorted({str(c) or "none" for c in found[said != found].tolist()})
    count = number_of(int((said != found).sum()), "unit")
    if not codes:
        return ()
    return (f"{count} with no parent in the archive: the country in which they lie counts ({', '.join(codes)})",)


def countries_by_place(countries: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> list[str | None]:
    """The code of the country in which each unit lies, the last of several; None where no country does."""
    codes = countries["unit"].to_numpy(dtype=object)
    points = shapely.point_on_surface(np.asarray(shapes.array, dtype=object))
    found: list[str | None] = [None] * len(points)
    for at, country in sorted(zip(*shapely.STRtree(countries.geometry.array).query(points, "intersects"), strict=True)):
        found[at] = text_or_none(codes[country])
    return found


def _country_of(code: str, parents: Mapping[str, str]) -> str:
    for _ in range(10):  # units nest a few levels deep; a circle in a file must not hang us
        if code not in parents:
            break
        code = parents[code]
    return code
