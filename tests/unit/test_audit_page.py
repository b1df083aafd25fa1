"""docs/audit.md says what the code does: its outputs have today's form, and every test, check and setting on it exists."""

import re
from typing import NamedTuple

import pytest
import yaml

from federates.audit import outcome
from federates.boundary.lines import lines
from federates.boundary.names import RAIL
from federates.cli import audit as command
from federates.runtime.broker_config import AuditConfig


class Run(NamedTuple):
    """World and agents of the run on the page."""

    world: str
    agents: dict[str, str]


@pytest.fixture(scope="module")
def page(request):
    return (request.config.rootpath / "docs/audit.md").read_text(encoding="utf-8")


def output(page, name):
    found = re.search(rf"<!-- output: {name} -->\n```text\n(.*?)```", page, re.DOTALL)
    return found[1].splitlines()


def test_the_example_tells_every_topic_of_the_world_to_its_receivers(page):
    shown, agent = set(), ""
    for line in output(page, "clean"):
        if re.match(r"\w", line):
            agent = line.split()[0]
        row = re.match(r" {13}(\w+) +[\d ]*\d +[\d ]*\d  (\w+(?:, \w+)*)$", line)
        if row:
            shown.add((agent, row[1], row[2]))
    run = Run(RAIL, {name: name for name in ("coordinator", "power_operator", "transport_operator")})
    assert shown == {(line.sender, line.topic.name, ", ".join(line.receivers)) for line in lines(run)}


def test_the_example_has_the_words_of_the_command(page):
    lines = output(page, "clean")
    labels = [line.split()[0] + (" told" if line.startswith("  never") else "") for line in lines if re.match(r"  \w", line)]
    assert labels == ["read", "told", "heard", "never told"] * 3
    assert sum(command._SANDBOX["enforced"] in line for line in lines) == 3
    assert re.fullmatch(r"Audit: 3 agents, 15 topics, \d+ messages, nothing outside the table", lines[-1])


def test_the_curious_operator_is_caught_on_the_page(page):
    breach, last = output(page, "curious")
    said = "power_operator tried to read (and the operating system refused) ieee30/transport_operator/config.yaml"
    assert breach == f"breach: {said}, which is transport_operator's [files.outside]"
    assert last == "Audit: 1 breach"
    assert "`files.outside`" in " ".join(outcome.Breach.__doc__.split()).replace("``", "`")


def test_every_test_that_is_named_exists(page, request):
    named = set(re.findall(r"`(test_\w+)`", page))
    sources = [path.read_text() for path in (request.config.rootpath / "tests").rglob("test_*.py")]
    there = {name for source in sources for name in re.findall(r"^def (test_\w+)", source, re.MULTILINE)}
    assert len(named) > 20
    assert named - there == set()


def test_every_letter_leads_to_a_test(page):
    table, tests = page.split("## Tests")
    used = {letter for group in re.findall(r"\(([a-z](?:, [a-z])*)\)", table) for letter in group.split(", ")}
    listed = {letter for cell in re.findall(r"^\| ([a-z](?:, [a-z])*) \|", tests, re.MULTILINE) for letter in cell.split(", ")}
    assert used == listed


def test_the_settings_are_those_of_broker_yaml(page):
    (block,) = re.findall(r"```yaml\n(audit:.*?)```", page, re.DOTALL)
    shown = AuditConfig.model_validate(yaml.safe_load(block)["audit"])
    assert set(yaml.safe_load(block)["audit"]) == set(AuditConfig.model_fields)
    assert shown == AuditConfig()


def test_every_file_of_a_run_that_is_named_is_written(page):
    """The names stand in the code as constants."""
    from federates.audit.audit import AUDIT_RECORD
    from federates.isolation.opened_files import FILES_RECORD
    from federates.runs.finalize import RUN_RECORD
    from federates.runs.topology_monitor import GRAPH_RECORD
    from federates.runtime.ledger import LEDGER
    from federates.runtime.outcome import OUTCOME_RECORD

    names = {GRAPH_RECORD, f"<agent>/{LEDGER}.parquet", f"<agent>/{FILES_RECORD}", AUDIT_RECORD, RUN_RECORD}
    names.add(f"coordinator/{OUTCOME_RECORD}")
    assert set(re.findall(r"^\| `([\w<>/.]+\.(?:json|parquet))` \|", page, re.MULTILINE)) == names
