"""The journal: one line for every row of the ledger, with the values that the ledger's hash is of."""

import hashlib
import json
import time

import numpy as np
import pandas as pd
import pytest
from quick_runs import quick_run
from small_scenario import AGENTS, write_small_scenario

from federates.boundary.errors import PortageError
from federates.runtime.journal import JOURNAL, Journal
from federates.runtime.ledger import HASH_DIGITS, TEXT


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    began_s = time.time()
    return quick_run(write_small_scenario(tmp_path_factory.mktemp("journal"))), began_s


def _lines(folder, agent):
    return [json.loads(line) for line in (folder / agent / JOURNAL).read_text().splitlines()]


@pytest.mark.parametrize("agent", AGENTS)
def test_it_holds_every_message_of_the_ledger_with_its_values(run, agent):
    folder, _ = run
    ledger = pd.read_parquet(folder / agent / "ledger.parquet").to_dict("records")
    lines = _lines(folder, agent)
    told = [(line["way"], line["key"], line["period"], line["round"]) for line in lines]
    assert told == [(row["direction"], row["topic"], row["period"], row["round"]) for row in ledger]
    for row, line in zip(ledger, lines, strict=True):
        if row["shape"] == TEXT:
            assert line["values"]["name"] == "small"
            continue
        values = np.array(line["values"], dtype="<f8")
        payload = np.concatenate([[line["period"], line["round"]], values.ravel()]).astype("<f8").tobytes()
        assert hashlib.sha256(payload).hexdigest()[:HASH_DIGITS] == row["sha256"]


def test_lines_are_in_the_order_of_time_and_no_message_is_heard_before_it_is_sent(run):
    folder, began_s = run
    journals = {agent: _lines(folder, agent) for agent in AGENTS}
    sent = {}
    for lines in journals.values():
        walls = [line["wall"] for line in lines]
        assert walls == sorted(walls)
        assert began_s - 1.0 < walls[0] <= walls[-1] < time.time()
        for line in lines:
            if line["way"] == "sent":  # of a key that is sent twice, as the command to open and to stop, the first
                sent.setdefault((line["key"], line["period"], line["round"]), line["wall"])
    heard = [line for lines in journals.values() for line in lines if line["way"] == "received"]
    assert heard
    for line in heard:
        assert line["wall"] >= sent[line["key"], line["period"], line["round"]]


def test_a_line_can_be_read_as_soon_as_it_is_written(tmp_path):
    journal = Journal(tmp_path)
    for number in range(3):
        journal.note("sent", "a/b", 0, number, np.array([[0.1, -2.0]]))
        lines = [json.loads(line) for line in (tmp_path / JOURNAL).read_text().splitlines()]
        assert (len(lines), lines[-1]["round"], lines[-1]["values"]) == (number + 1, number, [[0.1, -2.0]])
    journal.close()


def test_a_folder_that_is_gone_is_said(tmp_path):
    with pytest.raises(PortageError, match="cannot write results"):
        Journal(tmp_path / "none")
