"""Dates in sentences: one reader for claims, briefings and file names, in every language that has a folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest

from geo.archive import Archive
from geo.claims.checking import check_claim
from geo.claims.model import confirmed
from geo.claims.reading import range_of, read_claim
from geo.cli import demo
from geo.extraction.briefing import draft_incidents, text_of
from geo.extraction.events import Dateline, find_days
from geo.formats.dates import find_date
from geo.geocoding.geocoder import MENTION_COLUMNS
from geo.text import languages as word_folders
from geo.text.dates import find_dates
from geo.text.sentences import language_of, paragraphs

TODAY = date(2024, 9, 12)
DAY = "2024-09-10"
SAME_DAY = (
    "On 10 September 2024", "On 10.09.2024", "On 10/09/2024", "On 2024-09-10", "On 2024/09/10", "On 10.09.24",
    "On 10-09-2024", "On 10.IX.2024", "On 20240910", "On 10-Sep-2024", "On 10/9", "On Tue", "У вт", "Во вт", "On 10.09", "On Sept 10, 2024", "On Sept. 10", "On September 10th, 2024",
    "On the 10th of September", "On the tenth of September 2024", "On 10 September '24", "As of 10 Sep 2024",
    "On Tuesday", "On Tuesday, 10 September 2024", "Two days ago", "The day before yesterday", "Last Tuesday",
    "10 вересня 2024", "10 вересня 2024 року", "10-го вересня", "Станом на 10.09.2024", "Десятого вересня",
    "У вівторок", "У вівторок, 10 вересня", "Минулого вівторка", "Два дні тому", "Позавчора", "2 дні тому",
    "10 сентября 2024 года", "10 сентября", "По состоянию на 10.09.2024 г.", "Десятого сентября", "Во вторник",
    "В прошлый вторник", "Два дня назад", "Позавчера",
)  # fmt: skip
SPANS = (
    ("last month", "2024-08-01", "2024-08-31"), ("минулого місяця", "2024-08-01", "2024-08-31"),
    ("в прошлом месяце", "2024-08-01", "2024-08-31"), ("last week", "2024-09-02", "2024-09-08"),
    ("минулого тижня", "2024-09-02", "2024-09-08"), ("на прошлой неделе", "2024-09-02", "2024-09-08"),
    ("over the past two weeks", "2024-08-29", "2024-09-12"), ("за останні два тижні", "2024-08-29", "2024-09-12"),
    ("за последние две недели", "2024-08-29", "2024-09-12"), ("since Monday", "2024-09-09", "2024-09-12"),
    ("з понеділка", "2024-09-09", "2024-09-12"), ("с понедельника", "2024-09-09", "2024-09-12"),
    ("since 2022", "2022-01-01", "2024-09-12"), ("last year", "2023-01-01", "2023-12-31"),
    ("торік", "2023-01-01", "2023-12-31"), ("в прошлом году", "2023-01-01", "2023-12-31"),
    ("between 1 August and 10 September 2023", "2023-08-01", "2023-09-10"),
    ("in Q3 2023", "2023-07-01", "2023-09-30"), ("in the first half of 2024", "2024-01-01", "2024-06-30"),
    ("in the first ten days of August", "2024-08-01", "2024-08-10"), ("з початку року", "2024-01-01", "2024-09-12"),
    ("in early August", "2024-08-01", "2024-08-10"), ("у серпні 2024 року", "2024-08-01", "2024-08-31"),
)  # fmt: skip
UNREADABLE = (
    ("On 31.02.2024", "there is no such day"), ("On 31 February 2024", "there is no such day"),
    ("31 лютого 2024 року", "there is no such day"), ("31 февраля 2024 года", "there is no such day"),
    ("On 2024-13-01", "there is no such day"), ("On 09/25/2024", "write it as 2024-09-25"),
    ("On 10 Septembr 2024", "is september meant"), ("10 сентебря 2024 года", "is сентября meant"),
    ("A few days ago", "names no day"), ("Кілька днів тому", "names no day"), ("Несколько дней назад", "names no day"),
    ("In the summer of 2024", "names no day"), ("Влітку 2024 року", "names no day"), ("Летом 2024 года", "names no day"),
    ("2.5 weeks ago", "names no day"), ("Next Tuesday", "after the day of the text"), ("Last spring", "names no day"),
    ("A fortnight ago", "names no day"), ("On 30 February", "there is no such day"),
)  # fmt: skip


@pytest.mark.parametrize("words", SAME_DAY)
def test_one_day_is_one_day_however_it_is_written(words: str) -> None:
    text = f"{words} Ukraine held more than 800 km² of Kursk region"
    claim = read_claim(text, date=TODAY)
    assert (claim.date_from, claim.date_to) == (DAY, DAY), claim
    (passage,) = paragraphs(f"{words} {'Shells hit' if language_of(words) == 'en' else 'удар'}")
    assert [d.first.isoformat() for d in find_days(passage, TODAY)] == [DAY]


@pytest.mark.parametrize(("words", "first", "last"), SPANS)
def test_spans_of_time(words: str, first: str, last: str) -> None:
    text = f"Ukraine gained it {words}"
    found = range_of(text, find_dates(text, today=TODAY), today=TODAY)
    assert (str(found.first), str(found.last)) == (first, last)


@pytest.mark.parametrize("name", ["m_10.09.2024", "m 10-09-2024", "m_10_09_2024", "10/09/2024", "10.09.24", "10 вересня 2024",
                                  "10 сентября 2024", "Sept 10, 2024", "20240910", "10SEP2024"])  # fmt: skip
def test_names_of_files_and_layers_say_the_same_day(name: str) -> None:
    found = find_date(name)
    assert found is not None
    assert found[0].date().isoformat() == DAY


def test_a_day_that_can_be_read_two_ways_is_noted() -> None:
    assert "read with the day first" in find_dates("On 10/09/2024", today=None)[0].note
    assert not find_dates("On 10/10/2024", today=None)[0].note


@pytest.mark.parametrize("text", ["about 10.25 km²", "at 10.30", "12.45.67", "24/7", "1.376 km²", "Ukraine may hold 5 km",
                                  "they march 10 km", "a share of 18.50 percent"])  # fmt: skip
def test_figures_that_are_no_dates(text: str) -> None:
    assert find_dates(text, today=TODAY) == []


@pytest.fixture(scope="module")
def kursk(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return demo.build(tmp_path_factory.mktemp("demo") / "k.gpkg")


@pytest.mark.parametrize(
    "words", ["On 10.09.2024", "On 10/09/2024", "У вівторок", "Позавчора", "10 вересня 2024", "On Sept 10, 2024"]
)
def test_the_example_supports_the_claim_on_that_day(kursk: Archive, words: str) -> None:
    claim = read_claim(f"{words} Ukraine held more than 800 km² of Kursk region", date=TODAY)
    finding = check_claim(kursk, claim, date=TODAY)
    assert {v.verdict for v in finding.verdicts} == {"supports"}
    later = read_claim(f"{words} Ukraine held more than 800 km² of Kursk region", date="2024-09-12")
    assert check_claim(kursk, later, date="2024-09-12").date == finding.date == "2024-09-10"


@pytest.mark.parametrize(("words", "why"), UNREADABLE)
def test_a_day_that_cannot_be_read_gets_no_verdict(kursk: Archive, words: str, why: str) -> None:
    claim = read_claim(f"{words} Ukraine held more than 800 km² of Kursk region", date=TODAY)
    finding = check_claim(kursk, claim, date=TODAY)
    assert not finding.verdicts
    assert why in finding.notes[0]
    assert "--set date_to" in finding.option
    (given,) = confirmed([claim], ["date_to=2024-09-10"])
    assert check_claim(kursk, given, date=TODAY).verdicts


def test_a_relative_day_needs_the_day_of_the_text(kursk: Archive) -> None:
    for words in ("Yesterday", "On Tuesday", "Вчора", "Минулого тижня", "On 10 September"):
        claim = read_claim(f"{words} Ukraine held more than 800 km² of Kursk region")
        assert "counts from the day of the text" in check_claim(kursk, claim, date="2024-09-10").notes[0]


def test_a_draft_leaves_a_day_empty_that_cannot_be_read() -> None:
    nothing = gpd.GeoDataFrame(columns=[*MENTION_COLUMNS, "geometry"])
    text = text_of("On 31.02.2024 shelling killed two people.")
    (draft,) = draft_incidents(text, nothing, dateline=Dateline(TODAY))
    assert draft.fields["date_start"] is None
    assert "“31.02.2024” cannot be read: there is no such day" in draft.fields["notes"]


def test_a_language_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    months = ", ".join(f'"mun{n}u"' for n in "abcdefghijkl")
    days = ", ".join(f'"tag{n}o"' for n in "abcdefg")
    (folder / "dates.toml").write_text(
        f'months = [{months}]\nweekdays = [{days}]\nrange = "til"\nlast = "ultim"\nthis = "cest"\nago = "passat"\n'
        '[units]\nday = "tago"\n[days]\n"-1" = "ieri"\n',
        encoding="utf-8",
    )
    (folder / "numbers.toml").write_text('[values]\n"2" = "duo"\n', encoding="utf-8")
    monkeypatch.setattr(word_folders, "FOLDER", tmp_path)
    word_folders.clear_caches()
    try:
        assert word_folders.languages() == ("xx",)
        days_read = [find_dates(t, today=TODAY)[0].first for t in ("10 muniu 2024", "duo tago passat", "tagbo")]
        assert days_read == [date(2024, 9, 10)] * 3
        assert find_dates("ieri", today=TODAY)[0].first == date(2024, 9, 11)
    finally:
        monkeypatch.undo()
        word_folders.clear_caches()
