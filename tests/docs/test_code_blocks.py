"""Every block of code on the pages is verified, or says why not."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
import yaml
from code_blocks import PAGES, ROOT, blocks, verified_by
from typer.main import get_command

from federates.cli.app import app
from federates.sweep.spec import load_sweep

BLOCKS = [block for page in PAGES for block in blocks(page)]
PARSERS = {
    "json": json.loads,
    "python": ast.parse,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}


def test_every_block_is_verified_or_says_why_not():
    """``python tests/support/code_blocks.py`` lists how each is verified."""
    assert len(BLOCKS) > 80
    bare = [f"{block}: ```{block.language}" for block in BLOCKS if verified_by(block) is None]
    assert bare == [], f"see tests/support/code_blocks.py for what may stand above a block: {bare}"


@pytest.mark.parametrize(
    ("text", "verified"),
    [
        ("```bash\nrm -r /\n```\n", False),
        ("<!-- not run: -->\n```bash\nls\n```\n", False),
        ("<!-- not run: needs a cluster -->\n```bash\nls\n```\n", True),
        ("<!-- checked by: tests/unit/no_such_file.py -->\n```yaml\na: 1\n```\n", False),
        ("<!-- checked by: tests/docs/test_links.py -->\n```yaml\na: 1\n```\n", False),  # it does not name the page
        ("````{hint}\n```python\nimport this\n```\n````\n", False),
        ("```{code-cell} ipython3\nimport this\n```\n", False),  # in no lesson
        ("text\n\n```\na = b\n```\n", False),
    ],
)
def test_a_block_without_a_word_is_found(text, verified):
    (block,) = blocks(ROOT / "docs/some_page.md", text)
    assert (verified_by(block) is not None) == verified


@pytest.mark.parametrize("language", PARSERS)
def test_every_block_can_be_read_by_its_language(language):
    for block in BLOCKS:
        if block.language == language:
            try:
                PARSERS[language](block.body)
            except Exception as error:  # of four parsers
                pytest.fail(f"{block}: {error}")


def commands_of(text):
    """Return the words of every call of ``portage`` in a shell script."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        for call in re.split(r"(?:^|\0)(?:[&|;()<>]+)(?:\0|$)", "\0".join(words)):
            name, *rest = call.split("\0")
            if name == "portage" and rest:
                yield rest


def unknown_option(words):
    """Return what of a call `portage` does not know: a command, or an option; None if all is known."""
    command = get_command(app)
    while commands := getattr(command, "commands", None):
        if not words or words[0].startswith("-"):
            break
        if words[0] not in commands:
            return words[0]
        command, words = commands[words[0]], words[1:]
    known = {option for param in command.params for option in param.opts} | {"--help"}
    return next((word for word in words if word.startswith("--") and word.partition("=")[0] not in known), None)


def test_every_call_of_portage_has_a_command_and_options_that_there_are():
    calls = [(str(block), words) for block in BLOCKS if block.language == "bash" for words in commands_of(block.body)]
    assert len(calls) > 40
    for page in PAGES:
        inline = re.findall(r"(?<!`)`(portage [a-z][^`]*)`(?!`)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
        calls += [(page.name, words) for text in inline for words in commands_of(" ".join(text.split()))]
    assert [(place, words) for place, words in calls if words[0] != "COMMAND" and unknown_option(words)] == []


def test_a_wrong_option_or_command_is_found():
    (words,) = commands_of("cd x && portage run mine --sett a=1  # a comment\n")
    assert unknown_option(words) == "--sett"
    assert unknown_option(["rum", "mine"]) == "rum"
    assert unknown_option(["run", "mine", "--set", "a=1"]) is None


def test_the_sweep_of_the_page_is_one(tmp_path):
    (shown,) = (block for block in blocks(ROOT / "docs/sweep.md") if block.language == "yaml")
    shutil.copytree(ROOT / "scenarios/ieee30", tmp_path / "scenarios/ieee30", ignore=shutil.ignore_patterns("results"))
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps/cost.yaml").write_text(shown.body)
    sweep = load_sweep(tmp_path / "sweeps/cost.yaml")
    assert len(sweep.points) == 12


def test_the_program_in_c_on_the_page_compiles(tmp_path):
    """Against the kit's header; the functions of which only the heads are shown are declared and not defined."""
    if (compiler := shutil.which("gcc")) is None:
        pytest.skip("gcc is not installed")
    (shown,) = (block for block in blocks(ROOT / "docs/other_languages.md") if block.language == "c")
    (tmp_path / "shown.c").write_text(shown.body)
    command = [compiler, "-std=c11", "-fsyntax-only", "-I", str(ROOT / "examples/portage_c"), "shown.c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
