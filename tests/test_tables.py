"""CSV: encodings, separators, decimal signs, ragged rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from geo.errors import FileError, GateError, UsageError
from geo.formats.tables import number, read_table
from geo.schema import Options


def write(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "t.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_rows_are_numbered_from_one_and_stay_text(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, '\ufeffa, b\r\n\r\n"1,5",=1+1\r\n2,"x\r\ny"\r\n3,4,,\r\n'))
    assert table.header == ("a", "b")
    assert table.rows == ((1, {"a": "1,5", "b": "=1+1"}), (2, {"a": "2", "b": "x\r\ny"}), (3, {"a": "3", "b": "4"}))
    assert table.refusals == ()


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("a;b\n1,5;2\n", Options(), "separator ';' and decimal commas: say --delimiter ';' --decimal ','"),
        ("a\tb\n1\t2\n", Options(), r"separator '\\t' \(tab\): say --delimiter '\\t'"),
        ("a;b\n1,5;x\n2;y\n", Options(delimiter=";"), "decimal commas in column 'a'"),
        ('a,b\n"1,2\n3,4\n', Options(), "never closed"),
        ("<html><body>", Options(), "an HTML page"),
        ("\n\n", Options(), "no row at all"),
    ],
)
def test_files_written_otherwise(tmp_path: Path, text: str, options: Options, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_table(write(tmp_path, text), options=options)


def test_options_that_name_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n")
    for options in (Options(encoding="klingon"), Options(delimiter=";;")):
        with pytest.raises(UsageError, match="--"):
            read_table(path, options=options)
    with pytest.raises(GateError, match="'a' is named twice"):
        read_table(write(tmp_path, "a,a\n1,2\n"))


def test_an_encoding_that_is_named_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "місто\nКиїв\n", encoding="cp1251")
    with pytest.raises(FileError, match=r"not UTF-8 .* --encoding names the encoding"):
        read_table(path)
    assert read_table(path, options=Options(encoding="cp1251")).rows == ((1, {"місто": "Київ"}),)


def test_numbers_are_read_with_the_sign_that_is_named() -> None:
    assert number("51,73", options=Options(decimal=",")) == 51.73
    assert number(" 51.73 ") == 51.73
    assert number("") is None
    with pytest.raises(GateError, match="--decimal ','"):
        number("51,73")


def test_hostile_tables(shared: Path) -> None:
    hostile = shared / "hostile"
    ragged = read_table(hostile / "ragged_rows.csv")
    assert [row for row, _ in ragged.rows] == [1]
    assert [refusal.row for refusal in ragged.refusals] == [2, 3]
    assert read_table(hostile / "bom_crlf.csv").header[0] == "id"
    with pytest.raises(FileError, match="not UTF-8"):
        read_table(hostile / "latin1.csv")
    with pytest.raises(FileError, match="separator ';' and decimal commas"):
        read_table(hostile / "decimal_commas.csv")
    table = read_table(hostile / "decimal_commas.csv", options=Options(delimiter=";", decimal=","))
    assert table.rows[0][1]["latitude"] == "51,73"
