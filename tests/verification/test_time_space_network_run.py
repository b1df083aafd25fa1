"""A federation by rail with this operator, beside the one whose trains know every route by enumeration."""

import pyarrow.parquet as pq
import pytest
import yaml
from small_rail_scenario import write_small_rail_scenario

from federates.runs.in_process import run_in_process

OPERATOR = "federates.transport_operator.models.time_space_network.operator:TimeSpaceNetworkOperator"
SESSION = {"periods": 6, "trains": [{"name": "k1", "home": "a"}, {"name": "k2", "home": "a"}]}
WORTH = {"worth_usd": [[1, 0, 0, 1, 0, 1], [0, 9, 9, 0, 3, 0]]}


def run(folder, settings=None):
    scenario = write_small_rail_scenario(folder, session=SESSION, power=WORTH)
    if settings is not None:
        agent = {"schema_version": 1, "operator": OPERATOR, "settings": settings}
        (scenario / "transport_operator/config.yaml").write_text(yaml.safe_dump(agent))
    results = run_in_process(scenario)

    def table(agent, name):
        return pq.read_table(results / agent / f"{name}.parquet").to_pylist()

    return table


def test_same_negotiation_as_with_the_enumerating_operator(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    enumerated, own = run(tmp_path / "one"), run(tmp_path / "two", {"cost_usd_per_period": 2.0})
    for name in ("negotiations", "connections"):
        assert str(own("coordinator", name)) == str(enumerated("coordinator", name))  # a bound that nobody names is NaN
    (negotiation,) = own("coordinator", "negotiations")
    # Not met: 1 at a in 0, 3 and 5, for both trains; each makes two trips of 2.
    assert negotiation["lower_bound_usd"] == negotiation["upper_bound_usd"] == pytest.approx(2 * 3.0 + 2 * 4.0)
    moves = own("transport_operator", "train_moves")
    assert sum(row["cost_usd"] for row in moves if row["phase"] == "realised") == 8.0


def test_a_late_train_brings_a_second_negotiation(tmp_path):
    late = {"listed": [{"train": "k1", "period": 0, "by_periods": 1}]}
    own = run(tmp_path, {"cost_usd_per_period": 2.0, "lateness": late})
    first, second = own("coordinator", "negotiations")
    assert (first["period"], second["period"]) == (0, 1)
    # Period 1 at b is lost (9), and the late period costs 2.
    assert second["upper_bound_usd"] - first["upper_bound_usd"] == pytest.approx(9.0 + 2.0)
    moves = own("transport_operator", "train_moves")
    realised = [(row["origin"] + row["destination"], row["delay_periods"]) for row in moves if row["phase"] == "realised"]
    assert realised[0::2] == [("ab", 1), ("ab", 1), ("bb", 0), ("bb", 0), ("bb", 0), ("ba", 0)]
    planned = {row["planned_in"] for row in moves if row["phase"] == "planned"}
    assert planned == {0, 1}
