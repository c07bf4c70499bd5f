"""The review file and its way back: only what a person confirmed, as corrected, with what it rests on."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from test_reading import BRIEFING, founding, gazetteer

import geo
from geo.cli import main
from geo.extraction.briefing import COLUMNS, Draft, Reading, accept_review, read_briefing, text_of, write_review
from geo.importing.importer import Receipt
from geo.schema import INCIDENT_COLUMNS
from geo.sources.incidents import escaped, plain

__all__ = ["founding", "gazetteer"]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def write(path: Path, table: list[dict[str, str]], *, delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    with path.open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(table[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(table)
    return path


@pytest.fixture
def review(founding: Reading, tmp_path: Path) -> Path:
    return write_review(founding, tmp_path / "review.csv")


def confirmed(review: Path, answers: list[str], **changes: str) -> Path:
    """The review with answers, and cells of its third row corrected."""
    table = rows(review)
    for row, answer in zip(table, answers, strict=True):
        row["confirm"] = answer
    table[2] |= changes
    return write(review, table)


def adds_up(receipt: Receipt) -> bool:
    return receipt.rows_in == receipt.rows_stored + receipt.rows_refused + receipt.rows_left_out + receipt.duplicates


def test_every_draft_is_a_row_with_its_words_and_nothing_is_confirmed(review: Path, founding: Reading) -> None:
    assert review.read_bytes().startswith(b"\xef\xbb\xbf")
    table = rows(review)
    assert [r["event_id"] for r in table] == [d.fields["event_id"] for d in founding.incidents]
    assert {r["confirm"] for r in table} == {""}
    assert {r["briefing_sha256"] for r in table} == {founding.source.sha256}
    assert table[2]["words_where"].startswith("Prymorske [")
    for row, draft in zip(table, founding.incidents, strict=True):
        for name in COLUMNS:
            value = draft.fields[name]
            assert plain(row[name]) == (
                ""
                if value is None
                else f"{value:g}"
                if isinstance(value, float) and value.is_integer()
                else str(round(value, 6) if isinstance(value, float) else value)
            ) or float(row[name]) == pytest.approx(value)
    assert set(COLUMNS) <= set(INCIDENT_COLUMNS)


def test_nothing_confirmed_is_nothing_stored(review: Path, tmp_path: Path) -> None:
    receipt = accept_review(tmp_path / "a.gpkg", review)
    assert receipt.outcome == "refused"
    assert "none of its 4 rows is confirmed" in receipt.error
    assert not (tmp_path / "a.gpkg").exists()


def test_only_confirmed_rows_go_in_and_corrections_count(review: Path, tmp_path: Path, founding: Reading) -> None:
    confirmed(review, ["", "no", "y", "X"], injured_best="5", injured_high="5", verification="partly")
    receipt = accept_review(tmp_path / "a.gpkg", review)
    assert (receipt.rows_in, receipt.rows_stored, receipt.rows_left_out) == (4, 2, 2)
    assert adds_up(receipt)
    assert receipt.left_out == {"not confirmed": 2}
    stored = geo.open_archive(tmp_path / "a.gpkg").incidents().set_index("event_id")
    assert set(stored.index) == {founding.incidents[i].fields["event_id"] for i in (2, 3)}
    prymorske = stored.loc[founding.incidents[2].fields["event_id"]]
    assert (prymorske["injured_low"], prymorske["injured_best"], prymorske["verification"]) == (4, 5, "partly")
    assert prymorske["best"] == 1
    orig = json.loads(prymorske["orig"])
    assert orig["briefing"] == BRIEFING.name
    assert orig["briefing_sha256"] == founding.source.sha256
    assert "Prymorske [" in orig["words_where"]
    kotovsk = stored.loc[founding.incidents[3].fields["event_id"]]
    assert kotovsk["injured_best"] != kotovsk["injured_best"]  # several: not known
    again = accept_review(tmp_path / "a.gpkg", review)
    assert again.outcome == "unchanged"


@pytest.mark.parametrize("answer", ["yes", "Y", "x", "1", "TRUE", " ok ", "так", "да"])
def test_what_confirms(review: Path, tmp_path: Path, answer: str) -> None:
    receipt = accept_review(tmp_path / "a.gpkg", confirmed(review, ["", "", answer, "0"]))
    assert receipt.rows_stored == 1


def test_an_answer_that_is_none_is_refused_with_its_row(review: Path, tmp_path: Path) -> None:
    receipt = accept_review(tmp_path / "a.gpkg", confirmed(review, ["maybe", "y", "", ""]))
    assert (receipt.rows_stored, receipt.rows_refused, receipt.rows_left_out) == (1, 1, 2)
    assert adds_up(receipt)
    assert "maybe" in receipt.refusals[0].why
    assert receipt.refusals[0].row == 1
    assert Path(receipt.sidecar).is_file()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"latitude": ""}, "no latitude"),
        ({"latitude": "95"}, "latitude"),
        ({"latitude": "0", "longitude": "0"}, "0"),
        ({"date_start": "2025-13-01"}, "cannot be read"),
        ({"low": "some"}, "no number"),
        ({"event_id": ""}, "no event id"),
    ],
)
def test_the_gate_is_that_of_every_import(review: Path, tmp_path: Path, changes: dict[str, str], why: str) -> None:
    receipt = accept_review(tmp_path / "a.gpkg", confirmed(review, ["", "y", "y", ""], **changes))
    assert (receipt.rows_stored, receipt.rows_refused) == (1, 1)
    assert adds_up(receipt)
    assert why in receipt.refusals[0].why


def test_what_a_spreadsheet_makes_of_it_is_read(review: Path, tmp_path: Path) -> None:
    table = rows(confirmed(review, ["", "", "y", ""]))
    write(review, table, delimiter=";", encoding="utf-8")
    assert accept_review(tmp_path / "a.gpkg", review).rows_stored == 1
    write(review, table, delimiter="\t")
    assert accept_review(tmp_path / "b.gpkg", review).rows_stored == 1
    write(review, table, encoding="utf-16")
    refused = accept_review(tmp_path / "c.gpkg", review)
    assert refused.outcome == "refused"
    assert "--encoding utf-16" in refused.error
    assert accept_review(tmp_path / "c.gpkg", review, encoding="utf-16").rows_stored == 1
    german = [
        r
        | {
            "latitude": r["latitude"].replace(".", ","),
            "longitude": r["longitude"].replace(".", ","),
            "uncertainty_km": "",
        }
        for r in table
    ]
    write(review, german, delimiter=";")
    assert "--decimal" in accept_review(tmp_path / "d.gpkg", review).error
    assert accept_review(tmp_path / "d.gpkg", review, decimal=",").rows_stored == 1


def test_a_file_that_is_no_review_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("event_id,date_start,latitude,longitude\na,2025-01-11,50,30\n")
    assert "no column confirm" in accept_review(tmp_path / "a.gpkg", tmp_path / "other.csv").error
    done = CliRunner().invoke(main, ["import-review", str(tmp_path / "a.gpkg"), str(tmp_path / "other.csv")])
    assert done.exit_code == 1
    assert "no column confirm" in done.output


FORMULAS = ("=1+1", "+1-800", "-2+3", "@SUM(A1)", "\tx", "'=quoted", "''@twice", "'plain", "-5", "5")


@given(st.one_of(st.sampled_from(FORMULAS), st.text(st.characters(codec="utf-8"))))
def test_cells_come_back_as_they_were_and_none_is_computed(text: str) -> None:
    cell = escaped(text)
    assert plain(cell) == text
    computed = cell[:1] in tuple("=+-@\t\r")
    assert not computed or float(cell) == float(text)


def test_formulas_in_a_briefing_are_defused_and_come_back(founding: Reading, tmp_path: Path) -> None:
    first = founding.incidents[2]
    fields = {**first.fields, "claimed_by": '=HYPERLINK("http://evil.invalid","x")', "notes": "@SUM(A1)\nsecond; line"}
    made = Reading(
        founding.source, "en", founding.dateline, founding.mentions, [Draft(fields, first.spans, first.sentences)]
    )
    path = write_review(made, tmp_path / "r.csv")
    table = rows(path)
    assert table[0]["claimed_by"].startswith("'=")
    table[0]["confirm"] = "y"
    assert accept_review(tmp_path / "a.gpkg", write(path, table)).rows_stored == 1
    stored = geo.open_archive(tmp_path / "a.gpkg").incidents().iloc[0]
    assert stored["claimed_by"] == fields["claimed_by"]
    assert stored["notes"] == fields["notes"]


def test_two_briefings_do_not_overwrite_each_other(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    places = request.getfixturevalue("gazetteer")
    for number, toll in enumerate(("two", "three")):
        text = text_of(f"January 11, 2025\nShelling of Kherson killed {toll} people.")
        path = write_review(read_briefing(text, gazetteer=places), tmp_path / f"{number}.csv")
        table = rows(path)
        table[0]["confirm"] = "y"
        accept_review(tmp_path / "a.gpkg", write(path, table))
    assert sorted(geo.open_archive(tmp_path / "a.gpkg").incidents()["best"]) == [2, 3]


def test_the_verbs_earlier_name_works_and_warns(tmp_path: Path) -> None:
    given = [str(tmp_path / "a.gpkg"), str(tmp_path / "none.csv")]
    now, before = (CliRunner().invoke(main, [name, *given]) for name in ("import-review", "accept"))
    assert before.exit_code == now.exit_code != 0
    assert "import-review" in before.stderr
    assert before.stderr.endswith(now.stderr)
    assert main.commands["accept"].hidden
