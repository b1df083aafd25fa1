"""The vector of all that is exchanged, against one written out by hand: two who ask, two who offer, and entries that they share.

Of stations a, b and of goods ``heat`` (stations, periods) and ``cold`` (stations,), with two periods:

    number   0       1       2       3       4     5
    entry    heat    heat    heat    heat    cold  cold
             a0      a1      b0      b1      a     b

``town`` asks for heat at a and b; ``mill`` asks for heat at b only, and for cold at b; ``plant`` offers heat at a and b;
``well`` offers heat at a only, and cold at a and b. So heat at b has two askers and one offerer, heat at a the other way round,
and nobody asks for cold at a.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from federates.boundary import layout as layout_module
from federates.boundary.exchange import Exchange
from federates.boundary.layout import Layout

HEAT = Exchange("heat", "MW", ("M", "H"), asks=("town", "mill"), offers=("plant", "well"), meaning="")
COLD = Exchange("cold", "MW", ("M",), asks=("mill",), offers=("well",), meaning="")
PARTS = {"town": ("a", "b"), "mill": ("b",), "plant": ("a", "b"), "well": ("a",)}
"""Of heat; `well` cannot have another part of cold, so that its cold is that of a alone."""


class Agreement:
    """As much of a session as a layout needs."""

    world = "market"

    def __init__(self, stations=("a", "b")):
        self.names = stations

    def sizes(self, period=0):
        return {"M": len(self.names), "H": 2 - period}

    def index_names(self, letter):
        return self.names if letter == "M" else None

    def of_role(self, *roles):
        return tuple(SimpleNamespace(name=name, role=name) for name in PARTS if name in roles)

    def view(self, agent):
        return Agreement(PARTS[agent])


@pytest.fixture
def layout(monkeypatch):
    world = SimpleNamespace(exchanges=(HEAT, COLD), operators=tuple(PARTS))
    monkeypatch.setattr(layout_module, "world_of", lambda name: world)
    return Layout(Agreement(), 0)


def copies(town=(0, 0, 0, 0), mill=(0, 0, 0), plant=(0, 0, 0, 0), well=(0, 0, 0)):
    return {name: np.array(value, dtype=float) for name, value in locals().items()}


def test_everything_lies_where_the_table_says(layout):
    assert layout.size == 6
    assert layout.agents == ("town", "mill", "plant", "well")
    entries = {"town": [0, 1, 2, 3], "mill": [2, 3, 5], "plant": [0, 1, 2, 3], "well": [0, 1, 4]}
    assert {name: found.tolist() for name, found in layout.entries.items()} == entries
    assert {name: set(sign.tolist()) for name, sign in layout.sign.items()} == {
        "town": {1.0}, "mill": {1.0}, "plant": {-1.0}, "well": {-1.0},
    }  # fmt: skip
    assert layout.askers.tolist() == [1, 1, 2, 2, 0, 1]
    assert layout.offerers.tolist() == [2, 2, 1, 1, 1, 0]
    assert [name for name in layout.agents if layout.only_offers(name)] == ["plant", "well"]


def test_in_a_later_period_there_is_less(monkeypatch):
    monkeypatch.setattr(layout_module, "world_of", lambda name: SimpleNamespace(exchanges=(HEAT, COLD), operators=tuple(PARTS)))
    later = Layout(Agreement(), 1)
    assert later.size == 4
    assert later.entries["mill"].tolist() == [1, 3]


def test_arrays_become_the_vector_and_back(layout):
    arrays = {"heat": [[10, 11], [12, 13]], "cold": [14, 15]}
    vector = layout.flat(arrays)
    assert vector.tolist() == [10, 11, 12, 13, 14, 15]
    shaped = layout.shaped(vector)
    assert {name: values.tolist() for name, values in shaped.items()} == arrays
    assert layout.flat({"heat": [[1], [2]], "cold": 7}).tolist() == [1, 1, 2, 2, 7, 7], "arrays broadcast"


def test_an_agents_arrays_are_those_of_its_part(layout):
    own = layout.own("mill", {"heat": [[1, 2]], "cold": [3]})
    assert own.tolist() == [1, 2, 3]
    assert {name: values.tolist() for name, values in layout.own_shaped("mill", own).items()} == {"heat": [[1, 2]], "cold": [3]}
    part = layout.part("mill", np.arange(10.0, 16.0))
    assert {name: values.tolist() for name, values in part.items()} == {"heat": [[12, 13]], "cold": [15]}
    assert set(layout.part("town", np.arange(6.0))) == {"heat"}, "it takes no part in cold"
    with pytest.raises(ValueError, match="reshape"):
        layout.own("mill", {"heat": [[1, 2], [3, 4]], "cold": [3]})


def test_sums_are_of_all_who_ask_and_all_who_offer(layout):
    given = copies(town=(1, 2, 3, 4), mill=(10, 20, 30), plant=(5, 6, 7, 8), well=(50, 60, 70))
    assert layout.asked(given).tolist() == [1, 2, 13, 24, 0, 30]
    assert layout.offered(given).tolist() == [55, 66, 7, 8, 70, 0]
    assert layout.residual(given).tolist() == [-54, -64, 6, 16, -70, 30]


def test_what_is_short_is_shared_in_proportion_and_the_only_one_gets_all(layout):
    wanted = copies(town=(1, 0, 3, 0), mill=(9, 0, 5), plant=(1, 2, 3, 4), well=(5, 6, 7))
    shared = layout.shares(np.array([20.0, 30.0, 8.0, 7.0, 40.0, 50.0]), wanted, 1.0)
    # a is asked for by the town alone; of 8 at b the town gets 3 / 12; where nobody wants any both get half.
    assert shared["town"].tolist() == [20.0, 30.0, 2.0, 3.5]
    assert shared["mill"].tolist() == [6.0, 3.5, 50.0]
    assert (shared["plant"].tolist(), shared["well"].tolist()) == ([1, 2, 3, 4], [5, 6, 7]), "who offers keeps its own"
    shared = layout.shares(np.array([12.0, 8.0, 1.0, 2.0, 3.0, 4.0]), wanted, -1.0)
    assert shared["plant"].tolist() == [2.0, 2.0, 1.0, 2.0]
    assert shared["well"].tolist() == [10.0, 6.0, 3.0]
    assert layout.offered(shared).tolist()[:5] == [12.0, 8.0, 1.0, 2.0, 3.0], "nothing is lost"
    assert shared["town"] is not wanted["town"], "what is given stays as it is"
    assert wanted["plant"].tolist() == [1, 2, 3, 4]


def test_who_asks_pays_and_who_offers_is_paid(layout):
    prices = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert layout.price_of("mill", np.array([1.0, 1.0, 1.0]), prices) == 4 + 8 + 32
    assert layout.price_of("well", np.array([1.0, 1.0, 1.0]), prices) == -(1 + 2 + 16)
