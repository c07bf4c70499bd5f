"""The texts of tests/geocoding: at least 95 % of the mentions right, none outside of a container that the text names."""

from __future__ import annotations

import pytest
from geocoding_score import FOLDER, score, texts

from geo.geocoding.gazetteer import open_gazetteer


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "places-cache"))
        yield


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.json")))
def test_the_mentions_of_the_texts_come_out_right(name: str) -> None:
    table = texts(name)
    total = score(table, open_gazetteer(countries=table["countries"]))
    assert not total.outside
    assert total.share >= 0.95, "\n".join(total.wrong)


def test_there_are_texts_enough_in_three_languages() -> None:
    names = [entry["id"] for path in FOLDER.glob("*.json") for entry in texts(path.name)["texts"]]
    assert len(names) >= 25
    assert {name[:2] for name in names} == {"en", "uk", "ru"}
