"""Where agents share a role out, each is tested with its part; an executable meets all the others."""

import pytest
from broken_executables import executable
from good_agents import GoodAlgorithm, GoodPower, GoodTransport

from federates.boundary.errors import ConfigError
from federates.boundary.roles import Commit
from federates.conformance import ClassTarget, State, conform
from federates.conformance.kit import small_session
from federates.conformance.through_helics import ExecutableTarget
from federates.worlds.road.session import RoadSession

PARTS = {"east": ("q1",), "west": ("q2", "q3")}


def shared_road(periods=6):
    """Return the small session with two power companies."""
    others = [{"name": role, "role": role} for role in ("coordinator", "transport_operator", "traffic_sumo")]
    companies = [{"name": n, "role": "power_operator", "part": {"limited_stations": q}} for n, q in PARTS.items()]
    return RoadSession(**small_session("road").model_dump() | {"agents": others + companies, "periods": periods})


class ManyHanded(GoodAlgorithm):
    """Gives each power operator what the sum of them would get."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.columns = {n: [session.limited_stations.index(q) for q in part] for n, part in PARTS.items()}

    def given(self, z):
        return {"transport_operator": {"delivery": z}} | {n: {"delivery": z[:, c]} for n, c in self.columns.items()}

    def next(self, result):
        self.round += 1
        asked = [result.answers[name] for name in PARTS]
        z = self.zero.copy()
        for name, columns in self.columns.items():
            z[:, columns] = result.answers[name].quantities["delivery"]
        sums = {field: sum(getattr(answer, field) for answer in asked) for field in ("cost_usd", "bound_usd")}
        whole = type(asked[0])({"delivery": z}, sums["cost_usd"], sums["bound_usd"])
        return self.next_road(whole, result.answers["transport_operator"])


class GivesTooMuch(ManyHanded):
    """Gives one company more than is sent."""

    def carry_out(self, z, *words):
        commit = super().carry_out(z, *words)
        more = commit.given["west"]["delivery"] + 1.0
        return Commit(dict(commit.given) | {"west": {"delivery": more}}, *words)


@pytest.mark.parametrize(
    ("role", "cls", "agent"),
    [
        ("power_operator", GoodPower, "west"),
        ("transport_operator", GoodTransport, "transport_operator"),
        ("coordinator", ManyHanded, "coordinator"),
    ],
)
def test_an_agent_is_tested_with_its_part(role, cls, agent, tmp_path):
    target = ClassTarget(role, cls, None, tmp_path, shared_road(), agent=agent)
    report = conform(target)
    report.raise_if_broken()
    assert {outcome.state for outcome in report.outcomes} == {State.HOLDS}
    assert target.view.limited_stations == PARTS.get(agent, ("q1", "q2", "q3"))


def test_who_gives_more_than_is_sent_is_caught(tmp_path):
    report = conform(ClassTarget("coordinator", GivesTooMuch, None, tmp_path, shared_road()))
    assert report.broken == ("plan.feasible",)


def test_a_role_that_nobody_has_cannot_be_tested(tmp_path):
    with pytest.raises(ConfigError, match="there is no traffic_sumo in the world rail"):
        ClassTarget("traffic_sumo", GoodPower, None, tmp_path, small_session("rail"))


@pytest.mark.long
@pytest.mark.parametrize("role", ["transport_operator", "traffic_sumo"])
def test_an_executable_meets_all_companies(role, tmp_path):
    with ExecutableTarget(session=shared_road(periods=2), **executable(role, "", tmp_path)) as target:
        report = conform(target, ["wire"])
    report.raise_if_broken()
    assert {outcome.state for outcome in report.outcomes} == {State.HOLDS}
