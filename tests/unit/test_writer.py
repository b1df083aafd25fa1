"""What an agent has recorded reaches the disk, also where one of its tables cannot."""

import json

import pyarrow.parquet as pq
import pytest

from federates.boundary.errors import ModelError
from federates.runtime.results import ResultWriter


@pytest.fixture
def writer(tmp_path):
    found = ResultWriter(tmp_path / "shop")
    yield found
    found.close()


def rows(writer, name):
    return [
        row for part in sorted((writer.folder / f"{name}.parts").glob("*.parquet")) for row in pq.read_table(part).to_pylist()
    ]


def test_one_table_that_cannot_be_written_keeps_no_other_from_the_disk(writer):
    writer.record("good", x=1)
    writer.record("bad", x=1)
    writer.record("bad", x="a")
    writer.record("last", x=2)
    with pytest.raises(ModelError, match=r"^table bad: column x cannot be written: "):
        writer.flush()
    assert (rows(writer, "good"), rows(writer, "last")) == ([{"x": 1}], [{"x": 2}])


def test_a_failure_is_told_whatever_the_tables_are(writer):
    writer.record("bad", x=2**70)
    writer.record("good", x=1)
    writer.fail("shop", "shop: the model has no answer", own_fault=True)
    told = json.loads((writer.folder / "failed.json").read_text())
    assert told["message"].startswith("shop: the model has no answer; and then table bad: column x cannot be written: ")
    assert rows(writer, "good") == [{"x": 1}]


def test_tables_whose_parts_do_not_fit_together_are_named(writer):
    writer.record("mixed", x=1)
    writer.flush()
    writer.record("mixed", x="a")
    with pytest.raises(ModelError, match=r"^table mixed: its rows of different periods do not fit together: "):
        writer.finish("shop")


def test_rows_one_by_one_and_many_at_once_make_one_table(writer):
    writer.record("both", x=1)
    writer.record_many("both", {"x": [2, 3]})
    writer.finish("shop")
    assert pq.read_table(writer.folder / "both.parquet").to_pydict() == {"x": [1, 2, 3]}
