"""The exercise kit: numbers of exercises, hints, what a learner's file comes to, and that notebooks hold no answer."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from federates.boundary.errors import PortageError
from federates.cli.app import app
from federates.lessons import check, hint
from federates.lessons.exercise import exercise_of, exercises_in, read_number
from federates.lessons.judging import as_array, as_number, ask
from federates.lessons.kit import Wrong, hearing, hint_text
from federates.lessons.learner import check_file, find_file

RIGHT = "from federates.lessons import check\ncheck(1.2, 9.0)\n"


def notebook(*cells):
    made = [
        {"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}, "outputs": [], "execution_count": None}
        for cell in cells
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_a_number_is_lesson_and_exercise():
    assert read_number(1.2) == "1.2"
    assert read_number("10.1") == read_number(10.1) == "10.1"
    for none in (7, "1", "1.0", "x.1", ""):
        with pytest.raises(PortageError, match=r"must be lesson\.exercise"):
            read_number(none)


def test_exercises_that_are_not_there_are_named():
    with pytest.raises(PortageError, match=r"there are 1\.1, 1\.2, 1\.3, 1\.4"):
        exercise_of(1.9)
    with pytest.raises(PortageError, match="no lesson 98"):
        exercises_in(98)


def test_check_prints_one_sentence_and_no_traceback(capsys):
    check(1.2, 9.0)
    check(1.2, 7.0)
    check(1.2, ...)
    check(1.2, "nine")
    check(1.2, [1, 2])
    check(1.9, 3)
    check("first", 3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "1.2 right", "1.2 not yet", "1.2 no answer yet", "1.2 not yet", "1.2 not yet", "check", "check",
    ]  # fmt: skip
    assert "9" not in lines[1].removeprefix("1.2").replace("11.00", "")


def test_hints_are_told_one_by_one(capsys):
    hint(1.1)
    hint(1.1, 2)
    hint(1.1, 3)
    first, second, none = capsys.readouterr().out.splitlines()
    assert first.startswith("Hint 1 of 2: ")
    assert second.startswith("Hint 2 of 2: ")
    assert none == "hint: exercise 1.1 has 2 hints, no 3"
    with pytest.raises(PortageError):
        hint_text(1.1, 0)


def test_answers_are_read_or_refused_with_a_sentence():
    assert as_number(np.float64(3), "x") == 3.0
    for nonsense in ("3", True, float("nan"), [1, 2], object()):
        with pytest.raises(Wrong, match="the price must be"):
            as_number(nonsense, "the price")
    with pytest.raises(Wrong, match=r"shape \(2,\), and yours has \(3,\)"):
        as_array([1, 2, 3], (2,), "the gains")
    with pytest.raises(Wrong, match=r"fails for \(2.0\): ZeroDivisionError"):
        ask(lambda x: x / 0, 2.0)
    with pytest.raises(Wrong, match="is the return missing"):
        ask(print, 2.0)


def test_the_last_answer_in_a_file_counts_and_others_are_open(tmp_path):
    file = tmp_path / "answers.py"
    file.write_text("from federates.lessons import check\ncheck(1.2, 1)\ncheck(1.2, 9)\ncheck(1.4, 8)\nprint('noise')\n")
    checked = check_file(find_file(tmp_path, 1), 1)
    assert [found.right for found in checked.verdicts] == [None, True, None, False]
    assert not checked.all_right
    assert not checked.errors


def test_a_file_that_stops_says_where(tmp_path):
    file = tmp_path / "answers.py"
    file.write_text(RIGHT + "1 / 0\ncheck(1.4, 12.0)\n")
    checked = check_file(file, 1)
    assert checked.errors == ["answers.py stops with ZeroDivisionError: division by zero"]
    assert checked.verdicts[1].right
    assert checked.verdicts[3].right is None


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("input('number: ')", "EOFError"),
        ("import no_such_module", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_leaves_or_asks_or_lacks_something_ends_no_check(tmp_path, ends, said):
    file = tmp_path / "answers.py"
    file.write_text(f"{RIGHT}{ends}\n")
    checked = check_file(file, 1)
    assert checked.verdicts[1].right
    assert len(checked.errors) == 1
    assert said in checked.errors[0]


def test_a_notebook_is_run_as_jupyter_does_and_goes_on_after_an_error(tmp_path, capsys):
    pytest.importorskip("IPython")
    file = tmp_path / "01_own.ipynb"
    file.write_text(
        notebook(
            "%matplotlib inline\nx = 9.0", "1 / 0", "input()", "exit()", "from federates.lessons import check\ncheck(1.2, x)"
        )
    )
    checked = check_file(find_file(tmp_path, 1), 1)
    assert checked.verdicts[1].right
    assert [error.partition(":")[0] for error in checked.errors[:2]] == [
        "code cell 2 stops with ZeroDivisionError", "code cell 3 stops with EOFError",
    ]  # fmt: skip
    assert capsys.readouterr().out == ""


def test_which_file_is_read(tmp_path):
    with pytest.raises(PortageError, match="portage lessons DIR"):
        find_file(tmp_path, 1)
    for name in ("01_a.ipynb", "01_b.ipynb"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(PortageError, match=r"01_a\.ipynb, 01_b\.ipynb"):
        find_file(tmp_path, 1)
    with pytest.raises(PortageError, match="no notebook that can be read"):
        check_file(tmp_path / "01_a.ipynb", 1)
    with pytest.raises(PortageError, match="is no file"):
        check_file(tmp_path / "other.py", 1)


def test_nothing_is_heard_after_hearing():
    with hearing() as outer:
        check(1.2, 9.0)
        with hearing() as inner:
            check(1.2, 8.0)
    assert [len(outer), len(inner)] == [1, 1]


def test_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers.py").write_text(RIGHT)
    runner = CliRunner()
    one = runner.invoke(app, ["exercise", "check", "1", "--exercise", "2"])
    assert (one.exit_code, "1.2 right: " in one.output, "1 of 1 right (answers.py)" in one.output) == (0, True, True)
    every = runner.invoke(app, ["exercise", "check", "1"])
    assert every.exit_code == 1
    assert "1.1 no answer yet: hand in the function" in every.output
    assert "1 of 4 right (answers.py)" in every.output
    told = runner.invoke(app, ["exercise", "hint", "1", "4", "--hint", "2"])
    assert told.output.startswith("Hint 2 of 2: ")
    assert runner.invoke(app, ["exercise", "hint", "1", "9"]).exit_code == 2
