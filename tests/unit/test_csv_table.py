"""The one reader of CSV files: what it takes, and the line that names what it does not."""

import csv
import random

import pytest

from federates.runtime.csv_table import read_csv

LOAD = "period,load_mw\n" + "".join(f"{p},{100 + p}\n" for p in range(4))


def table(folder, text, needed=("period", "load_mw"), optional=()):
    (folder / "load.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(folder, "load.csv", needed, optional)


def profile(folder, text, periods=4):
    found = table(folder, text)
    values = found.profile("load_mw", "period", periods)
    return values.tolist(), [str(problem).removeprefix("load.csv: ") for problem in found.problems]


def test_a_profile_goes_by_its_period_and_not_by_its_rows(tmp_path):
    header, *rows = LOAD.splitlines()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        assert profile(tmp_path, "\n".join([header, *rows])) == ([100.0, 101.0, 102.0, 103.0], [])


def test_a_run_of_fewer_periods_reads_the_first(tmp_path):
    assert profile(tmp_path, LOAD, 2) == ([100.0, 101.0], [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\n2,", "\n1,", "line 4, period = '1': stands twice, first in line 3"),
        ("\n2,102", "", "period = 2 missing: there must be a row for each of 0 to 3"),
        ("\n2,", "\n2.5,", "line 4, period = '2.5': must be a whole number"),
        ("\n2,", "\n-2,", "line 4, period = '-2': must be at least 0"),
        ("\n0,100", "\n4,100", "period = 1 to 4: must be numbered from 0, to 3"),
        ("102", "2_40.5", "line 4, load_mw = '2_40.5': must be a finite number, such as 12.5"),
        ("102", "nan", "line 4, load_mw = 'nan': must be a finite number, such as 12.5"),
        ("102", "1e999", "line 4, load_mw = '1e999': must be a finite number"),
        (
            "102",
            "1e300",
            "line 4, load_mw = '1e300': must be 0 or in size from 1e-09 to 1e+06, as every number whose name ends in _mw",
        ),
        ("102", "true", "line 4, load_mw = 'true': must be a finite number, such as 12.5"),
        ("102", "٣", "line 4, load_mw = '٣': must be a finite number, such as 12.5"),
        ("102", "-1", "line 4, load_mw = '-1': must be at least 0"),
        ("102", "", "line 4, load_mw = '': must be a finite number, such as 12.5"),
        ("102", "102,7", "line 4 = 3 values: must have 2, one for each column of the header"),
        ("2,102", "2", "line 4 = 1 values: must have 2, one for each column of the header"),
        ("load_mw", "load", "load_mw = missing: this column is needed; is it 'load'? the file has: period, load"),
        ("period,load_mw", "period,load_mw,load_mw", "header = 'load_mw': this column stands twice"),
        ("period,load_mw", "period,", "header = column 2: every column needs a name"),
        ("102", '"102', "(file) = unexpected end of data: must be valid CSV: values separated by commas, quotes closed"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(tmp_path, old, new, said):
    assert old in LOAD
    values, problems = profile(tmp_path, LOAD.replace(old, new, 1))
    assert problems[0] == said
    assert values == [0.0] * 4


@pytest.mark.parametrize("text", ["", "\n\n", "period,load_mw\n", "# a comment\nperiod,load_mw\n"])
def test_a_file_without_rows(tmp_path, text):
    assert "at least one row" in profile(tmp_path, text)[1][0]


def test_semicolons_are_named(tmp_path):
    assert "columns must be separated by commas" in profile(tmp_path, LOAD.replace(",", ";"))[1][0]


def test_the_byte_order_mark_of_excel_and_the_lines_of_windows_are_read(tmp_path):
    windows = ("\ufeff" + LOAD.replace("\n", "\r\n")).encode()
    assert profile(tmp_path, windows) == profile(tmp_path, "# of 2025\n" + LOAD + "\n\n")


def test_a_latin_1_file_is_one_line(tmp_path):
    _, (problem,) = profile(tmp_path, LOAD.encode() + b"# caf\xe9\n")
    assert problem == f"(file) = byte 0xe9 at position {len(LOAD) + 5}: must be text in UTF-8; save it as such"


def test_a_slip_in_an_optional_column_is_named_and_other_columns_are_free(tmp_path):
    text = "bus,p_min_mx,note\n1,2,x\n"
    (problem,) = table(tmp_path, text, ("bus",), ("p_min_mw",)).problems
    assert str(problem) == "load.csv: header = 'p_min_mx': unknown column; did you mean 'p_min_mw'?"
    # Where the column is there, one that is called alike is another.
    assert table(tmp_path, "bus,p_min_mw,p_min_mx\n1,2,3\n", ("bus",), ("p_min_mw",)).problems == []


def test_what_may_stand_once_is_told_by_all_its_columns(tmp_path):
    found = table(tmp_path, "link,hour\na,0\na,1\nb,0\na,1\n", ("link", "hour"))
    found.once("link", "hour")
    assert [str(problem) for problem in found.problems] == ["load.csv: line 5, link, hour = a, 1: stands twice, first in line 3"]


def test_a_file_that_is_wrong_throughout_has_few_problems(tmp_path):
    text = "period,load_mw\n" + "".join(f"{p},x\n" for p in range(1000))
    _, problems = profile(tmp_path, text)
    assert len(problems) == 6
    assert problems[-1] == "(file) = 995 more problems: mend those above first"


def test_values_are_those_of_the_csv_module(tmp_path):
    """An independent reading of a file with quotes, commas and line ends inside values."""
    rows = [["id", "name"], ["a", 'x, "y"'], ["b", "two\nlines"], ["c", ""]]
    with (tmp_path / "load.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = read_csv(tmp_path, "load.csv", ("id", "name"))
    assert [list(row) for row in zip(found.columns["id"], found.columns["name"], strict=True)] == rows[1:]
