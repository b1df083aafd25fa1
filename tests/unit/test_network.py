"""What becomes of messages: shares, times and places against what is set, the same on any computer; what old answers prove."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from heat_market import SHAPE, SIZE, HeatMarket, heat_installed
from lossy_play import LossyPlay, Rows

from federates.boundary.messages import Answer
from federates.boundary.network import LinkClass, NetworkSettings
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.network.channel import Channel
from federates.network.fate import Fate, Message, draw, question_fate, repeated_fate
from federates.network.known import KnownAnswers
from federates.network.places import Places
from federates.runtime.lossy_rounds import Came, LossyRounds, OutOfRoundsError
from federates.runtime.negotiation_record import NegotiationRecord
from federates.worlds.road.session import RoadSession

MANY = 8_000


@pytest.fixture(autouse=True)
def market():
    with heat_installed():
        yield


def fates(link, settings=None, links=1, many=MANY):
    settings = settings or NetworkSettings()
    messages = (Message("a", "b", period, round_) for period in range(many // 100) for round_ in range(100))
    return [question_fate(7, message, [link] * links, settings) for message in messages]


# --- fates


@pytest.mark.parametrize("loss", [0.0, 0.01, 0.2, 0.3])
def test_the_share_that_is_lost_is_that_of_both_links(loss):
    lost = sum(fate.delay_rounds is None for fate in fates(LinkClass(loss=loss), links=2)) / MANY
    share = 1.0 - (1.0 - loss) ** 2
    assert lost == pytest.approx(share, abs=4.0 * math.sqrt(share * (1 - share) / MANY))


def test_times_are_log_logistic_of_shape_2():
    """P(jitter > x) = 1 / (1 + (x / median)^2)."""
    latencies = np.array([fate.latency_s for fate in fates(LinkClass(latency_s=0.03, jitter_s=0.02))]) - 0.03
    for times in (0.5, 1.0, 2.0, 10.0):
        share = 1.0 / (1.0 + times**2)
        seen = float((latencies > times * 0.02).mean())
        assert seen == pytest.approx(share, abs=4.0 * math.sqrt(share * (1 - share) / MANY))


def test_what_takes_longer_than_the_deadline_is_late_by_as_many_rounds_or_lost():
    link = LinkClass(latency_s=1.2)
    assert {f.delay_rounds for f in fates(link, NetworkSettings(deadline_s=0.5), many=100)} == {2}
    assert {f.word for f in fates(link, NetworkSettings(deadline_s=0.5, late="lost"), many=100)} == {"lost"}
    assert {f.delay_rounds for f in fates(link, NetworkSettings(deadline_s=1.2), many=100)} == {0}


def test_shares_that_come_twice_or_are_overtaken():
    found = fates(LinkClass(duplication=0.1, reordering=0.05))
    assert sum(f.copies == 2 for f in found) / MANY == pytest.approx(0.1, abs=0.012)
    assert sum(f.delay_rounds == 1 for f in found) / MANY == pytest.approx(0.05, abs=0.012)


def test_a_copy_is_heard_where_the_first_one_is_lost():
    found = fates(LinkClass(duplication=1.0, loss=0.3))
    assert sum(f.copies == 0 for f in found) / MANY == pytest.approx(0.09, abs=0.012)


def test_a_message_that_must_be_heard_is_heard_over_the_worst_links():
    """Both ends lose all but one in 10^6: every try but the last fails."""
    fate = repeated_fate(7, Message("a", "b", 0, 0, "commit"), [LinkClass(loss=0.999999)] * 2, NetworkSettings(deadline_s=0.5))
    assert (fate.word, fate.attempts, fate.copies) == ("heard", 10_000, 1)
    assert fate.latency_s == 9_999 * 0.5


def test_a_message_that_is_repeated_is_heard_and_acknowledged_after_a_geometric_number_of_times():
    link, settings = LinkClass(loss=0.3, latency_s=0.1), NetworkSettings(deadline_s=0.5)
    found = [repeated_fate(7, Message("a", "b", p, r, "commit"), [link], settings) for p in range(50) for r in range(100)]
    attempts = np.array([fate.attempts for fate in found])
    assert attempts.mean() == pytest.approx(1 / 0.49, rel=0.05)
    assert all(fate.word == "heard" and 1 <= fate.copies <= fate.attempts for fate in found)
    late = np.array([fate.latency_s for fate in found])
    np.testing.assert_allclose((late - 0.1) / 0.5, np.rint((late - 0.1) / 0.5), atol=1e-5)


def test_draws_are_the_same_on_any_computer():
    """Pinned: a hash and a quotient of whole numbers."""
    message = Message("power_operator", "coordinator", 3, 7)
    assert draw(1, message, "lost 0 0") == PINNED
    others = [message._replace(**change) for change in ({"sender": "b"}, {"receiver": "b"}, {"period": 4}, {"round": 8})]
    assert len({draw(1, other, "lost 0 0") for other in (message, *others)} | {draw(2, message, "lost 0 0")}) == 6


PINNED = 0.5073056931777601


# --- lines and places


def test_late_messages_are_heard_in_their_round_oldest_first_and_not_in_another_period():
    channel = Channel()
    channel.send(0, 1, 1, Fate(2, 1.0, 1), "slow")
    channel.send(0, 2, 2, Fate(0, 0.1, 1), "quick")
    channel.send(0, 3, 3, Fate(None, math.inf, 0), "lost")
    assert [heard.item for heard in channel.take(0, 2)] == ["quick"]
    assert [tuple(heard) for heard in channel.take(0, 3)] == [(1, "slow")]
    channel.send(0, 4, 4, Fate(1, 1.0, 1), "old")
    assert channel.take(1, 9) == []
    assert channel.take(0, 9) == []


def road(**network):
    return RoadSession(
        schema_version=1, world="road", name="x", resourceful_stations=("r",), limited_stations=("q",), links=("a", "b"),
        horizon_periods=2, network=NetworkSettings(**network),
    )  # fmt: skip


def test_vehicles_under_way_hear_by_the_best_class_where_they_are():
    """Half of the road is covered by a class that loses nothing, a quarter of it by one that loses a tenth, the rest by none."""
    session = road(
        under_way={"transport_operator": ("good", "poor")},
        classes={"good": LinkClass(), "poor": LinkClass(loss=0.1), "home": LinkClass(loss=0.5)},
        uses={"transport_operator": "home"},
        roads={"r": {"q": ("a", "b")}},
        coverage={"good": {"a": ((0.0, 0.5), (0.5, 1.0))}, "poor": {"b": ((0.25, 0.75),)}},
    )
    places = Places(session)
    at = [Message("coordinator", "transport_operator", 1, round_) for round_ in range(4000)]
    assert {places.link(0, "transport_operator", message)[0] for message in at[:50]} == {"home"}
    places.committed("transport_operator", {"delivery": np.array([[[2.0, 0.0]]])})
    count = Counter(places.link(0, "transport_operator", message)[0] for message in at)
    assert {name: number / 4000 for name, number in count.items()} == pytest.approx(
        {"good": 0.5, "poor": 0.25, "none": 0.25}, abs=0.03
    )
    places.committed("transport_operator", {"delivery": np.array([[[0.0, 5.0]]])})
    assert {places.link(0, "transport_operator", message)[0] for message in at[:50]} == {"home"}, "it leaves in a later period"


def test_the_class_that_loses_least_is_taken_and_of_equals_the_quickest():
    classes = {"slow": LinkClass(latency_s=1.0), "quick": LinkClass(latency_s=0.1), "lossy": LinkClass(loss=0.2)}
    session = road(under_way={"transport_operator": tuple(classes)}, classes=classes, roads={"r": {"q": ("a",)}})
    places = Places(session)
    places.committed("transport_operator", {"delivery": np.ones((1, 1, 2))})
    assert places.link(0, "transport_operator", Message("a", "b", 1, 1))[0] == "quick"


# --- what old answers prove


def heat(*values):
    return Solve({"heat": np.array(values, dtype=float).reshape(SHAPE)})


@pytest.mark.parametrize("seed", range(8))
def test_what_stands_for_an_answer_never_proves_more_than_the_answer_would(seed):
    case, rng = HeatMarket(seed), np.random.default_rng(seed)
    known = KnownAnswers(case.session, 0)
    proven = 0
    for _ in range(12):
        question = heat(*np.round(rng.uniform(0.0, 15.0, SIZE)))
        truth = case.answers(question)
        for agent, answer in truth.items():
            instead = known.stand_in(question, agent)
            if instead is not None:
                assert instead.bound_usd <= answer.bound_usd + 1e-9
                sign = 1.0 if agent.startswith("town") else -1.0
                paid = sign * float((question.prices["heat"] * instead.quantities["heat"]).sum())
                assert instead.cost_usd + paid >= answer.bound_usd - 1e-7, "it is something that the agent can do"
                proven += math.isfinite(instead.bound_usd)
            known.take(question, agent, answer)
    # All at higher prices for who asks, at lower ones for who offers.
    for agent, question in (("town0", heat(*[20.0] * SIZE)), ("plant0", heat(*[0.0] * SIZE))):
        instead = known.stand_in(question, agent)
        assert math.isfinite(instead.bound_usd)
        assert instead.bound_usd <= case.answers(question)[agent].bound_usd + 1e-9


def test_the_same_prices_prove_the_same_and_other_prices_nothing_of_the_wrong_side():
    case = HeatMarket(1)
    known, low, high = KnownAnswers(case.session, 0), heat(*[4.0] * SIZE), heat(*[9.0] * SIZE)
    for agent, answer in case.answers(low).items():
        assert known.stand_in(low, agent) is None
        known.take(low, agent, answer)
        assert known.stand_in(low, agent).bound_usd == answer.bound_usd
    assert known.stand_in(high, "town0").bound_usd == case.answers(low)["town0"].bound_usd
    assert known.stand_in(high, "plant0").bound_usd == -math.inf
    assert known.stand_in(heat(*[1.0] * SIZE), "town0").bound_usd == -math.inf


def test_an_answer_in_the_linear_relaxation_stands_for_no_whole_one():
    case = HeatMarket(1)
    known, relaxed = KnownAnswers(case.session, 0), Solve(heat(*[4.0] * SIZE).prices, relaxed=True)
    known.take(relaxed, "town0", case.answers(relaxed)["town0"])
    assert known.stand_in(relaxed, "town0") is not None
    assert known.stand_in(heat(*[4.0] * SIZE), "town0") is None


# --- asking again, and commits


class Once:
    """Asks at one price, costs half of what comes, and commits that; goes on without answers, if it may."""

    def __init__(self, case, *, goes_on):
        self.case, self._goes_on, self.results = case, goes_on, []

    def goes_on_without(self, question):
        return self._goes_on

    def start(self, period, openings):
        return heat(*[6.0] * SIZE)

    def next(self, result):
        self.results.append(result)
        if len(self.results) == 1:
            return heat(*[7.0] * SIZE)
        return Commit({agent: {"heat": np.ones(SHAPE)} for agent in result.answers}, agreed=True, reason="enough for the test")


class Net:
    """Answers arrive as ``script`` says: who is lost in which round."""

    def __init__(self, case, lost, periods=1, **network):
        self.case, self.lost = case, lost
        session = case.session.model_copy(update={"network": NetworkSettings(**network), "periods": periods})
        self.rows = Rows()
        self.rounds = LossyRounds(session, NegotiationRecord(session, self.rows), self.rows, self.ask, 60)
        self.asked = []

    def ask(self, question, round_):
        self.asked.append(question)
        answers = self.case.answers(question)
        return Came({agent: answer for agent, answer in answers.items() if not self.lost(agent, round_, question)})

    def negotiate(self, algorithm, period=0):
        self.rounds.open(period, {})
        self.rounds._tables.open(period, {})
        decision = algorithm.start(period, {})
        while not isinstance(decision, Commit):
            decision = algorithm.next(self.rounds.result(algorithm, decision))
        return self.rounds.agree(decision)


def test_a_question_is_asked_again_until_all_have_answered_whenever_they_did():
    case = HeatMarket(1)
    net = Net(case, lambda agent, round_, _: (agent, round_) in {("town0", 1), ("plant1", 2), ("town1", 1)})
    once = Once(case, goes_on=False)
    net.negotiate(once)
    assert len(net.asked) == 2 + 1 + 1, "twice the first question, the second, and the plan"
    assert all(not result.missing and set(result.answers) == set(case.agents) for result in once.results)


def test_who_may_go_on_does_so_with_what_is_known_and_asks_again_where_nothing_is():
    case = HeatMarket(1)
    lost = {("town0", 1), ("town0", 3)}
    net, once = Net(case, lambda agent, round_, _: (agent, round_) in lost), Once(case, goes_on=True)
    net.negotiate(once)
    first, second = once.results
    assert not first.missing
    assert second.missing == {"town0"}
    assert second.answers["town0"].bound_usd == first.answers["town0"].bound_usd, "prices have risen, and it asks"
    np.testing.assert_array_equal(second.answers["town0"].quantities["heat"], first.answers["town0"].quantities["heat"])
    again = Net(case, lambda agent, round_, _: (agent, round_) in lost, missing="ask_again")
    patient = Once(case, goes_on=True)
    again.negotiate(patient)
    assert not patient.results[1].missing


def test_a_plan_is_told_until_all_have_acknowledged_it():
    case = HeatMarket(1)
    net = Net(case, lambda agent, round_, q: isinstance(q, Evaluate) and (agent == "town1") == (round_ < 6))
    decision = net.negotiate(Once(case, goes_on=False))
    assert decision.agreed
    (row,) = net.rows.tables["commits"]
    assert (row["outcome"], row["rounds"], row["not_acknowledged"]) == ("agreed plan", 4, "")


def test_a_plan_that_not_all_acknowledge_moves_nothing_and_equally_for_all():
    case = HeatMarket(1)
    net = Net(case, lambda agent, _, q: isinstance(q, Evaluate) and agent == "town1", commit_tries=5)
    decision = net.negotiate(Once(case, goes_on=False))
    assert not decision.agreed
    assert "town1 did not acknowledge the plan in 5 rounds" in decision.reason
    assert all(not own["heat"].any() for own in decision.given.values())
    assert net.rows.tables["commits"][0]["outcome"] == "nothing"


@pytest.mark.parametrize(("hears_again", "outcome"), [(True, "last agreed plan"), (False, "nothing")])
def test_the_last_agreed_plan_goes_on_if_all_acknowledge_it(hears_again, outcome):
    """In the second period town1 hears nothing of the new plan; of the old one it does, or not."""
    case, period = HeatMarket(1), 0

    def lost(agent, round_, question):
        if period == 0 or agent != "town1" or not isinstance(question, Evaluate):
            return False
        is_new = bool((question.given["town0"]["heat"] == 1.0).all())
        return is_new or not hears_again

    net = Net(case, lost, periods=2, commit_tries=3)
    first = net.negotiate(Once(case, goes_on=False))
    period = 1
    second = net.negotiate(Once(case, goes_on=False), period)
    left = {agent: moved_on(own["heat"]) for agent, own in first.given.items()}
    for agent, own in second.given.items():
        np.testing.assert_array_equal(own["heat"], left[agent] if hears_again else 0.0)
    assert [row["outcome"] for row in net.rows.tables["commits"]] == ["agreed plan", outcome]
    assert len({own["heat"].tobytes() for own in second.given.values()}) == 1, "equally for all"


def moved_on(values):
    return np.concatenate([values[..., 1:], 0.0 * values[..., :1]], axis=-1)


def test_a_negotiation_without_rounds_left_moves_nothing():
    case = HeatMarket(1)
    net = Net(case, lambda *_: True)
    with pytest.raises(OutOfRoundsError, match="no decision after 60 rounds"):
        net.negotiate(Once(case, goes_on=True))
    decision = net.rounds.give_up("no decision")
    assert not any(own["heat"].any() for own in decision.given.values())


def test_a_network_that_loses_nothing_changes_no_answer():
    case = HeatMarket(2)
    once = Once(case, goes_on=True)
    play = LossyPlay(case.session, case.answers, NetworkSettings())
    play.negotiate(once)
    for question, result in zip(play.asked, once.results, strict=False):
        truth = case.answers(question)
        assert not result.missing
        for (agent, answer), other in itertools.product(truth.items(), [result.answers]):
            assert answer.cost_usd == other[agent].cost_usd
    assert set(play.told.fate) == {"heard"}


def test_results_without_a_network_are_as_they_were():
    answer = {"a": Answer({}, 1.0, 0.5)}
    assert RoundResult(answer) == RoundResult(answer, frozenset(), ())
