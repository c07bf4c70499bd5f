"""Sentences: one reader for claims, briefings and place names, with the abbreviations of every language."""

from __future__ import annotations

import pytest

from geo.claims.reading import find_claims
from geo.text.sentences import paragraphs, read, sentences

TEXTS = (
    ["Russia captured 55 sq. km.", "Kyiv denied that the town had fallen."],
    ["Russia captured 55 sq. mi. of Kursk region.", "Kyiv denied it."],
    ["Gen. Oleksandr Syrskyi spoke to the U.S. Army in St. Louis.", "Nobody answered."],
    ["At 9 a.m. Russian forces shelled Kherson.", "Two died."],
    ["Russian forces shelled the city of Kherson at 9 a.m.", "Two died."],
    ["On Sept. 10 J. R. Smith came.", "He left on Oct. 3."],
    ["Росія захопила 55 кв. км.", "Київ заперечив, що місто впало."],
    ["ЗСУ контролюють 500 кв. км. Курської області.", "Бої тривають."],
    ["10 вересня 2024 р. Україна утримувала 1,2 тис. кв. км.", "Бої тривають."],
    ["Росія захопила 55 кв. км у 2024 р.", "Київ заперечив це."],
    ["Зброя, техніка і т.д. були знищені.", "Бої тривають на вул. Шевченка."],
    ["Ген. Сирський та ім. Шевченка.", "Ст. Лозова."],
    ["Россия захватила 55 кв. км.", "Киев опроверг, что город пал."],
    ["В г. Курске погибли 2 тыс. человек.", "Бои продолжаются."],
    ["Разрушены дома, школы и т.д.", "Киев ответил."],
    ["He posted it on X.", "Nobody saw it."],
    ["Is it so?", "“Yes,” he said…", "Then he left!", "4 people stayed."],
)


@pytest.mark.parametrize("parts", TEXTS, ids=[t[0][:40] for t in TEXTS])
def test_the_same_sentences_everywhere(parts: list[str]) -> None:
    text = " ".join(parts)
    (paragraph,) = paragraphs(text)
    assert [s.text.strip() for s in sentences(paragraph)] == parts
    tokens = read(text)
    assert max(tokens.sentence) + 1 == len(parts)


@pytest.mark.parametrize(
    "text",
    [
        "Russia captured 55 sq. km. Kyiv denied that the town had fallen.",
        "Росія захопила 55 кв. км. Київ заперечив, що місто впало.",
        "Россия захватила 55 кв. км. Киев опроверг, что город пал.",
        "Gen. Syrskyi said Russia captured 55 sq. km. Kyiv denied it.",
        "At 9 a.m. Russia held 55 sq. km. Kyiv denied that the town had fallen.",
    ],
)
def test_a_denial_after_a_claim_is_not_of_it(text: str) -> None:
    (claim,) = find_claims(text, date="2025-01-11")
    assert (claim.value, claim.value_unit, claim.controller) == (55, "km2", "RU")
