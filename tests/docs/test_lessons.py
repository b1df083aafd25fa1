"""Every lesson runs through, with the instructors' answers in its answer cells, and every exercise is then right.

That the pages also run with empty answer cells is seen when the site is built, which executes them.
"""

import re

import pytest

from federates.lessons.exercise import exercises_in
from federates.lessons.pages import answers_by_exercise, exercise_number, figure_caption, lesson_notebook, notebook_of, pages
from federates.reporting.negotiation import PRICES

nbclient = pytest.importorskip("nbclient")
PAGES = pages()
_LIMIT_CPU_S = dict.fromkeys((5, 7, 8, 10), 15.0)
"""Of lessons that start runs or the conformance kit; of the others `_USUAL_CPU_S`."""
_USUAL_CPU_S = 10.0
_SAID = {
    2: ("5 usd too high: agreed", "10 usd too high: no agreement", "no agreement: no new offer in 2 iterations, gap 18.75%"),
    3: ("residual   no agreement: no new offer in 2 iterations", "shortfall  no agreement", "box_step   no agreement"),
    4: ("subgradient  no agreement", "box, offer   no agreement", "box, mean    agreed"),
    5: ("[files.outside]", "nothing outside the table"),
    6: ("without bridge  all together  498 min", "with bridge     all together  552 min", "time of all 498 min"),
    7: (
        "112 days of both trains",
        "no agreement: neither bound moves any more",
        "both trains at home   6631.97 usd",
        "plan 6632.0 usd, bound 3772.9 usd, gap 43.1 %",
    ),
    8: ("1 broken", "bound.proven"),
    10: ("negotiated 300 vehicles at 14.00 usd", "posted     138 vehicles at 12.5"),
    11: ("in the core: False", "{parcel, utility} would gain"),
}
"""What the prose of a lesson says of its runs, as their cells print it."""


_ANSWERS = {
    "lesson_01.md", "lesson_02.md", "lesson_03.md", "lesson_04.md", "lesson_05.md", "lesson_06.md",
    "lesson_07.md", "lesson_08.md", "lesson_09.md", "lesson_10.md", "lesson_11.md",
}  # fmt: skip


def by_name(page):
    return page.file.stem


@pytest.fixture(params=PAGES, ids=by_name)
def page(request):
    return request.param


@pytest.fixture
def answers(root):
    return root / "docs" / "instructors" / "answers"


def test_answers_that_are_there_are_answers_to_a_lesson(answers):
    there = {file.name for file in answers.glob("*.md")}
    assert there == {f"lesson_{page.lesson:02d}.md" for page in PAGES}
    assert there <= _ANSWERS


def test_answer_cells_are_empty_and_there_is_one_for_every_exercise(page, answers):
    cells = {number: cell for cell in lesson_notebook(page).cells if (number := exercise_number(cell))}
    numbers = [asked.number for asked in exercises_in(page.lesson)]
    assert list(cells) == numbers
    assert len(numbers) >= 3
    assert sorted(answers_by_exercise(answers, page.lesson)) == numbers
    for number, cell in cells.items():
        assert re.search(r"(= \.\.\.|^\s+\.\.\.)", cell.source, re.MULTILINE), f"{number} has an answer"
        assert f"check({number}, " in cell.source


def test_figures_have_alternative_text_and_a_caption(page):
    drawn = [cell for cell in lesson_notebook(page).cells if cell.cell_type == "code" and "plt.show()" in cell.source]
    assert drawn
    for cell in drawn:
        assert len(figure_caption(cell)) > 20, cell.source
        assert len(cell.metadata["mystnb"]["image"]["alt"]) > 20, cell.source


def test_a_lesson_runs_through_and_its_answers_are_right(page, answers, tmp_path, monkeypatch):
    import nbformat

    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel draws into the notebook

    notebook = notebook_of(page, answers_by_exercise(answers, page.lesson))
    notebook.cells.append(nbformat.v4.new_code_cell("import time\nprint('cpu', time.process_time())"))
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = "".join(output["text"] for output in outputs if output.output_type == "stream" and output.name == "stdout")
    for asked in exercises_in(page.lesson):
        assert re.search(rf"^{re.escape(asked.number)} right: ", printed, re.MULTILINE), f"{asked.number}: {printed}"
    for line in _SAID.get(page.lesson, ()):
        assert line in printed
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert figures == sum(bool(figure_caption(cell)) for cell in notebook.cells)
    assert float(printed.split()[-1]) < _LIMIT_CPU_S.get(page.lesson, _USUAL_CPU_S)


def test_the_first_page_names_the_figure_of_asked_and_offered_by_its_title(root):
    page = " ".join((root / "docs/start.md").read_text(encoding="utf-8").split())
    assert f'The figure "{PRICES.title}" shows how asked and offered vehicles came together' in page
