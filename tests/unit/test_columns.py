"""Arrow arrays made without pandas are those of pyarrow, value by value and type by type."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from federates.boundary.errors import ModelError
from federates.runtime.columns import table_of_columns, table_of_rows

COLUMNS = {
    "floats": [1.5, -0.0, float("inf")],
    "no number": [float("nan"), 1.0, 2.0],
    "floats, one missing": [None, 1.5, 2.0],
    "whole": [1, -(2**62), 0],
    "whole, one missing": [1, None, 3],
    "whole and not": [1, 2.5, None],
    "words": ["Zug", "", "線路"],
    "words, one missing": ["a", None, "b"],
    "truths": [True, False, True],
    "truths, one missing": [None, False, True],
    "nothing": [None, None, None],
    "array": np.array([1.0, 2.0, 3.0]),
    "array of whole numbers": np.array([1, 2, 3]),
    "array of small numbers": np.array([1, 2, 3], dtype=np.int32),
    "array of truths": np.array([True, False, True]),
    "array of words": np.array(["a", "bc", ""]),
    "numbers of numpy": [np.float64(1.0), 2.0, np.float64(3.0)],
    "lists": [[1.0], [], [2.0, 3.0]],
    "bytes": [b"a", b"b", None],
    "none at all": [],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_that_of_pyarrow(name):
    made = table_of_columns({"x": COLUMNS[name]})
    assert made.schema == pa.table({"x": COLUMNS[name]}).schema
    assert made.column("x").to_pylist().__repr__() == pa.array(COLUMNS[name]).to_pylist().__repr__()
    made.validate(full=True)


def test_rows_have_the_columns_of_all():
    rows = [{"period": 0, "why": "a", "usd": 1.0}, {"period": 1, "usd": None, "more": 3}]
    assert table_of_rows(rows).to_pydict() == {"period": [0, 1], "why": ["a", None], "usd": [1.0, None], "more": [None, 3]}


def test_no_agent_loads_pandas_to_write_its_tables(tmp_path):
    code = (
        "import sys; from pathlib import Path; from federates.runtime.results import ResultWriter; w = ResultWriter(Path('a')); "
        "w.record('t', period=0, usd=1.5, who='x', sent=True); w.record_many('u', {'x': [1.0, 2.0]}); w.finish('x'); "
        "sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("values", [[1, "a"], ["a", 1.0], [2**70], [1.0, [2.0]], ["\ud800"]])
def test_a_column_that_is_none_is_named(values):
    with pytest.raises(ModelError, match=r"^column x cannot be written: "):
        table_of_columns({"x": values})
