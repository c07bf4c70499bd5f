"""Places in figures, signs and codes are taken out of texts; other figures stay."""

from __future__ import annotations

import pytest

from geo.archive.safety_rules import WITHHELD, without_places

NOTATIONS = (
    "51.197312, 35.272184",
    "51.1973 / 35.2722",
    "51,1973; 35,2722",
    "lat=51.2&lon=35.3",
    "lat: 51 lon: 35",
    "latitude 51.2 longitude 35.3",
    "широта 51,2 довгота 35,3",
    "51 degrees 11 minutes 50 seconds north",
    "51 deg 11 min N",
    "51 градус 11 минут",
    "51º11'50\"N",
    "51˚11′50″",
    "51d11m50s",
    "48 07 12 N",
    "48 07 N, 35 16 E",
    "N 48 07 12 E 35 16 19",
    "N51.197 E35.272",
    "51.2N 35.3E",
    "51N 35E",
    "511150N 0351619E",
    "N511150 E0351619",
    "51:11:50 N",
    "51-11-50N",
    "51*11'50",
    "36U 658821 5674521",
    "36U XC 58821 74521",
    "XC 58821 74521",
    "XC5882174521",
    "36UXC5882174521",
    "X=5674521 Y=7358821",
    "X 5674521, Y 7358821",
    "658821E 5674521N",
    "+51.197312+035.272184/",
    "+5111.8+03516.3",
    "+511150+0351619/",
    "ucfvx7kz3",
    "8GX5W7WC+WV",
    "W7WC+WV Kursk",
    "8gx5w7wc+wv",
    "///filled.count.soap",
    "what3words: filled.count.soap",
    "https://maps.app.goo.gl/abcDEF",
    "goo.gl/maps/xyz",
    "https://bit.ly/3xyz",
    "geo:51.19,35.27",
    "51.19\u200b7312, 35.27\u200b2184",
    "51.197312,\n35.272184",
    "51.\n197312",
    "٥١.١٩٧٣١٢",
    "５１.１９７",
    "51&deg;11&prime;50",
    "51.19%2C35.27",
    "fifty-one point one nine seven",
    "fifty-one degrees eleven minutes north",
    "KO91pe",
    "431KG41",
    "15/19587/11037",
    "8a2a1072b59ffff",
    "POINT(35.27 51.19)",
    "[35.27,51.19]",
    "coordinates 51 35",
    "51 11 50.2, 35 16 19.1",
    "5 1 . 1 9 7 3",
    "51°11,8' с.ш.",
    "51.19 пн.ш. 35.27 сх.д.",
    "51.19 and 35.27",
    "квадрат 4512",
    "grid ref 588745",
    "12030213012",
    "51·197312",
    "51.2° N",
    "https://www.openstreetmap.org/#map=15/51.19/35.27",
    "@51.197,35.272,15z",
    "51.20 35.30",
    "(51.2; 35.3)",
    "51.2x35.3",
    "35.27 E, 51.19 N",
    "N: 51.19 E: 35.27",
    "51 , 197312",
    "51.1\xad97312",
    "Northing 5674521 Easting 658821",
    "5674521 / 658821",
    "GZ 12 345 678",
)
KEPT = (
    "killing 12 of 1,200 on 11.01.2025",
    "On 2025-01-11 at 10:15 two of 3 drones hit; 45% of 1,200,000 people",
    "The 47th Brigade lost 3 T-72 tanks and 12 BMP-2",
    "Between 5 and 7 people, 3.5 km west of the town",
    "24 February 2022, UN said 2024 was worst",
    "Reported by Reuters at 14:30 on 11/01/2025",
    "Grad rockets BM-21, 122 mm; S-300 and Su-34",
    "N-11 highway, M03 road, E40",
    "2 S-300 missiles, 10 Shahed-136",
    "$1.5 million, 2.5 million",
    "Police 45 and 13 wounded",
)


@pytest.mark.parametrize("text", NOTATIONS)
def test_a_place_is_taken_out_however_it_is_written(text: str) -> None:
    for whole in (text, f"Struck at {text} killing 12"):
        left = without_places(whole).replace(WITHHELD, "").replace("killing 12", "").replace(",15z", "")
        assert WITHHELD in without_places(whole)
        assert not any(sign.isdigit() for sign in left)


@pytest.mark.parametrize("text", KEPT)
def test_other_figures_stay(text: str) -> None:
    assert without_places(text) == text


@pytest.mark.parametrize("unit", ["51 ", "5", "a.", "1.1", "deg ", "N ", "[", "5 1.", "lat ", "a-", "+51", "a5"])
def test_the_time_grows_with_the_length(unit: str) -> None:
    import time

    took = []
    for count in (4_000, 16_000):
        start = time.process_time()
        without_places(unit * count)
        took.append(time.process_time() - start)
    assert took[1] < 4**1.3 * took[0] + 0.05
