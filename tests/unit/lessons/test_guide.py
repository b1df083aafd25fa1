"""The instructor's guide: its cards are the costs of lesson 1, vehicle by vehicle, and its figures exist."""

import re
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from federates.cli.app import app
from federates.lessons.exercises.lesson_01 import driving_usd, overload_usd
from federates.lessons.pages import write_notebooks

DOCS = Path(__file__).parents[3] / "docs"
GUIDE = (DOCS / "instructors" / "guide.md").read_text(encoding="utf-8")


def row(name):
    found = re.search(rf"^\| {name}, usd \|(.*)\|$", GUIDE, re.MULTILINE)
    assert found is not None
    return [float(cell) for cell in found[1].split("|")]


def test_cards_are_the_costs_of_lesson_1():
    steps = np.arange(13.0)
    assert row("saves") == (-np.diff(overload_usd(steps))).tolist()
    assert row("costs") == np.diff(driving_usd(steps)).tolist()


def test_what_the_lecturer_hears_in_the_paper_round_is_what_the_cards_say():
    for price, asked, offered in ((4, 10, 4), (12, 6, 12), (8, 8, 8)):
        assert sum(saved > price for saved in row("saves")) == asked
        assert sum(cost < price for cost in row("costs")) == offered
    assert "10 and 4" in GUIDE
    assert "12 (asked 6, offered 12)" in GUIDE
    surplus = np.cumsum(np.array(row("saves")) - np.array(row("costs")))
    assert int(surplus.argmax()) + 1 == 8


def test_the_command_for_answers_without_jupyter_reads_them_and_not_the_notebook(tmp_path, monkeypatch):
    """In a student's folder there are notebooks, too, and a notebook goes first."""
    (command,) = re.findall(r"`portage (exercise check 1 --file answers\.py)` reads it", GUIDE)
    write_notebooks(tmp_path)
    (tmp_path / "answers.py").write_text("from federates.lessons import check\ncheck(1.2, 9.0)\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, [*command.split(), "--exercise", "2"])
    assert (said.exit_code, "1 of 1 right (answers.py)" in said.output) == (0, True), said.output


def test_slides_that_are_named_are_figures_of_the_lessons():
    named = re.findall(r"`lesson-(\d\d)-figure-(\d)`", GUIDE)
    assert named
    for lesson, figure in named:
        (page,) = (DOCS / "lessons").glob(f"{lesson}_*.md")
        assert page.read_text(encoding="utf-8").count("caption:") >= int(figure)
