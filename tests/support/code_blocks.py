"""The fenced blocks of the project's pages, and how each is verified (decision 0502).

Lines of comment right above a block say so:

`<!-- run -->`                the test that follows the page runs it
`<!-- checked by: FILE -->`   that test reads the block from the page
`<!-- ... made by `python FILE ...` -->`   that program writes the block
`<!-- diagram: NAME -->`      `studies/make_architecture.py --check` compares it with what the code says
`<!-- not run: REASON -->`    why nothing runs it

Blocks without a comment: a test that follows the page writes those with `title=FILE`, changes files by `diff`, and runs Python;
cells of notebooks are executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
FOLLOWERS = ("tests/docs/test_howtos.py", "tests/docs/test_followed_pages.py", "tests/examples/test_other_languages.py")
"""Tests that follow pages, each from top to bottom as a reader would."""
LESSONS = "tests/docs/test_lessons.py"
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=fence)`*$", re.MULTILINE | re.DOTALL)
_MAKER = re.compile(r"made by `python (\S+\.py)")
_MARK = re.compile(r"<!-- (.+) -->")


@dataclass(frozen=True)
class Block:
    """One fenced block; ``title`` is the file that it is, ``marks`` are the lines of comment right above it."""

    page: Path
    line: int
    language: str
    title: str
    marks: tuple[str, ...]
    body: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def says(self, word: str) -> str | None:
        """Return what follows ``word`` in a mark, which may be nothing; None if no mark begins with it."""
        return next((mark[len(word) :].removeprefix(":").strip() for mark in self.marks if mark.startswith(word)), None)

    @property
    def runs(self) -> bool:
        """Whether who follows the page runs this block."""
        alone = self.language == "python" and not self.title and self.says("not run") is None
        return "run" in self.marks or (alone and self.says("checked by") is None)


def blocks(page: Path, text: str | None = None) -> list[Block]:
    """Return the blocks of code of a page in their order (or of this ``text``), also those inside of directives such as hints."""
    return list(_found(page, page.read_text(encoding="utf-8") if text is None else text, 1))


def _found(page: Path, text: str, first_line: int) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        line = first_line + text[: match.start()].count("\n")
        language, _, rest = match["info"].strip().partition(" ")
        if language.startswith("{") and language not in ("{code-cell}", "{code-block}"):
            yield from _found(page, match["body"], line + 1)
            continue
        title = rest.removeprefix("title=") if rest.startswith("title=") else ""
        yield Block(page, line, language, title, _marks(text[: match.start()]), match["body"])


def _marks(above: str) -> tuple[str, ...]:
    marks: list[str] = []
    for line in reversed(above.splitlines()):
        if not (mark := _MARK.fullmatch(line)):
            break
        marks.insert(0, mark[1])
    return tuple(marks)


def follower(block: Block) -> str | None:
    """Return the test that follows the block's page: the one that names it."""
    name = block.page.name if block.page.parent.name == "howto" else block.page.relative_to(ROOT).as_posix()
    return next((test for test in FOLLOWERS if f'"{name}"' in (ROOT / test).read_text(encoding="utf-8")), None)


def _names(file: str, page: Path) -> bool:
    return (ROOT / file).is_file() and page.name in (ROOT / file).read_text(encoding="utf-8")


def verified_by(block: Block) -> str | None:
    """Return how a block is verified, in words; None: not at all, and no reason is given."""
    if (reason := block.says("not run")) is not None:
        return f"not run: {reason}" if len(reason.split()) >= 3 else None
    if test := block.says("checked by"):
        return f"read from the page by {test}" if _names(test, block.page) else None
    if maker := next((match[1] for mark in block.marks if (match := _MAKER.search(mark))), None):
        return f"written into the page by {maker}" if _names(maker, block.page) else None
    if block.language == "mermaid" and block.says("diagram"):
        return "drawn from the code: studies/make_architecture.py --check in .ci/lint"
    if block.language == "{code-cell}" and block.page.parent.name == "lessons":
        return f"a cell of a notebook, executed by {LESSONS}"
    if block.page.parent.name == "answers":
        return f"put into its notebook and executed by {LESSONS}"
    test = follower(block)
    if test is None:
        return None
    if block.runs:
        return f"run by {test}"
    if block.language == "diff" and block.title:
        return f"applied by {test}"
    return f"written and used by {test}" if block.title else None


if __name__ == "__main__":
    for each in (block for page in PAGES for block in blocks(page)):
        print(each, each.language or "-", verified_by(each) or "NOT VERIFIED", sep="\t")
