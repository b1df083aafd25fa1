"""Notebooks for learners: nothing of theirs is written over, no answer is in them; figures for slides."""

import json
import re
import subprocess
import sys
import zipfile

import pytest
from typer.testing import CliRunner

from federates.boundary.errors import PortageError
from federates.cli.app import app
from federates.lessons import pages as lesson_pages
from federates.lessons.pages import Page, answers_by_exercise, notebook_of, pages, write_notebooks
from federates.lessons.slides import write_slides

pytest.importorskip("jupytext")


def test_notebooks_have_captions_and_links_of_their_own_and_no_answers(tmp_path, root):
    written, kept = write_notebooks(tmp_path / "mine")
    assert [file.stem for file in written] == [page.file.stem for page in pages()]
    assert not kept
    for page, file in zip(pages(), written, strict=True):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert link.startswith("https://") or (tmp_path / "mine" / link).is_file(), link
        for answer in answers_by_exercise(root / "docs/instructors/answers", page.lesson).values():
            assert answer not in text
        assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert "*Both own costs and their sum. Nobody in this story sees the upper curve.*" in written[0].read_text(encoding="utf-8")


def test_what_a_learner_has_written_is_kept(tmp_path):
    first = pages()[0].file.stem
    (tmp_path / f"{first}.ipynb").write_text("mine")
    done = CliRunner().invoke(app, ["lessons", str(tmp_path)])
    assert done.exit_code == 0
    assert f"{first}.ipynb is there already, and is left as it is" in done.output
    assert (tmp_path / f"{first}.ipynb").read_text() == "mine"
    assert len(list(tmp_path.glob("*.ipynb"))) == len(pages())


def test_the_same_lesson_gives_the_same_notebook():
    assert notebook_of(pages()[0]) == notebook_of(pages()[0])


def test_answers_go_into_their_cells(tmp_path, root):
    write_notebooks(tmp_path, root / "docs/instructors/answers")
    text = (tmp_path / f"{pages()[0].file.stem}.ipynb").read_text(encoding="utf-8")
    assert "second_price_usd = 9" in text
    with pytest.raises(PortageError, match=r"lesson_01\.md is missing"):
        write_notebooks(tmp_path / "other", tmp_path)


def test_an_installation_without_lessons_or_libraries_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(lesson_pages, "_PLACES", (tmp_path,))
    with pytest.raises(PortageError, match="has no lessons; looked in"):
        pages()
    with pytest.raises(PortageError, match=r'pip install "portage-cosim\[lessons\]"'):
        lesson_pages._library("no_such_library")


LESSON = """---
kernelspec: {name: python3, display_name: Python 3}
---

# Drawn

```{code-cell} ipython3
import matplotlib.pyplot as plt
```

```{code-cell} ipython3
---
mystnb:
  figure:
    caption: A line.
---
plt.plot([1, 2])
plt.show()
```
"""


def test_slides_are_wide_and_have_captions(tmp_path, monkeypatch):
    (tmp_path / "09_drawn.md").write_text(LESSON)
    monkeypatch.setattr("federates.lessons.slides.pages", lambda: (Page(9, tmp_path / "09_drawn.md"),))
    files = write_slides(tmp_path / "slides")
    assert [file.name for file in files] == ["lesson-09-figure-1.png", "lesson-09-figure-1.svg", "captions.md"]
    header = files[0].read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (1920, 1080)
    assert "- **lesson-09-figure-1**: A line." in files[2].read_text()


def test_a_lesson_that_fails_gives_no_slides(tmp_path, monkeypatch):
    (tmp_path / "09_drawn.md").write_text(LESSON.replace("plt.plot([1, 2])", "1 / 0"))
    monkeypatch.setattr("federates.lessons.slides.pages", lambda: (Page(9, tmp_path / "09_drawn.md"),))
    with pytest.raises(PortageError, match=r"09_drawn\.md: a cell stops with ZeroDivisionError"):
        write_slides(tmp_path / "slides")


@pytest.mark.long
def test_a_wheel_carries_the_lessons_and_not_their_answers(tmp_path, root):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(tmp_path), str(root)]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for page in pages():
        assert f"federates/lessons/texts/{page.file.name}" in names
    assert not [name for name in names if "instructors" in name]
