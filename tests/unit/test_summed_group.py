"""The coordinator's side of a private sum with members in closed form: parts add up, bounds hold, one answer is one answer."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Answer, Frame
from federates.boundary.roles import Evaluate, Solve
from federates.boundary.summed import QUANTITY_DECIMALS, in_whole, mask_key, masked_answer, share, weights
from federates.boundary.world import parse_session, world_of
from federates.private_sum.errors import PrivateSumError
from federates.private_sum.fixed_point import from_halves, from_words
from federates.private_sum.masks import total_of
from federates.runtime.inbox import Inbox
from federates.runtime.summed_group import SummedGroup
from federates.runtime.summed_member import SummedMember

SLOPES = {"a": 0.5, "b": 1.0, "c": 2.0}
KWH = 10.0


class Post:
    """Carries messages between members and group at once: in place of a `Federate`."""

    def __init__(self, agent, session, inboxes):
        self.agent, self.session, self.world, self._inboxes = agent, session, world_of(session.world), inboxes
        self.identity = SimpleNamespace(agents=session.roster, run_id="run")

    def publish(self, topic, period, round_, values, receiver=""):
        key = topic.key(self.agent, receiver)
        for inbox in [self._inboxes[receiver]] if receiver else self._inboxes.values():
            inbox.add({key: Frame(period, round_, np.array(values))})


class Play:
    """A group of quadratic fleets, f_i = slope d^2 / 2 per entry, that answers questions as in a run."""

    def __init__(self):
        agents = [{"name": n, "role": n} for n in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")]
        agents += [{"name": n, "role": "charging_station"} for n in ("r1", "q1", "q2")]
        agents += [{"name": n, "role": "mves_fleet"} for n in SLOPES]
        data = {"schema_version": 1, "world": "fleets", "name": "x", "agents": agents, "links": ["l"], "horizon_periods": 2}
        data |= {"resourceful_stations": ["r1"], "limited_stations": ["q1", "q2"], "vehicle_kwh": dict.fromkeys(SLOPES, KWH)}
        session = parse_session(data | {"private_sum": True}, "x")
        self.shape = session.connection_shape
        self.inboxes = {name: Inbox(name) for name in ("coordinator", *SLOPES)}
        world = world_of(session.world)
        post = Post("coordinator", session, self.inboxes)
        self.group = SummedGroup(post, world.negotiated(session), world.summed)
        self.members = {n: SummedMember(Post(n, session.view(n), self.inboxes), world.summed) for n in SLOPES}
        self.post, self.round, self.parts, self.kinds = post, 0, {}, dict.fromkeys(SLOPES, BoundKind.EXACT)
        self.group.open(0)
        for member in self.members.values():
            member.open(0)

    def ask(self, question):
        self.round += 1
        if isinstance(question, Evaluate):
            self.group.give(question.given["fleets"], question.whole, 0, self.round)
        else:
            for exchange in self.post.world.exchanges:
                for name in SLOPES:
                    self.post.publish(exchange.price, 0, self.round, question.prices[exchange.name], name)
        for name, member in self.members.items():
            inbox = self.inboxes[name]
            if isinstance(question, Evaluate):
                given, whole = member.given(inbox, 0, self.round)
                self.parts[name] = given
                z = np.minimum(given["delivery"], KWH * given["passage"])
                answer = self._answer(name, z, 0.0)
                member.tell(inbox, 0, self.round, answer, whole)
            else:
                margin = question.prices["delivery"] - question.prices["passage"] / KWH
                z = np.maximum(margin, 0.0) / SLOPES[name]
                member.tell(inbox, 0, self.round, self._answer(name, z, float((margin * z).sum())))
        return self.group.answer(self.inboxes["coordinator"], 0, self.round, question)

    def _answer(self, name, z, earned_usd):
        cost = float(0.5 * SLOPES[name] * (z**2).sum())
        return Answer({"delivery": z, "passage": z / KWH}, cost, cost - earned_usd, None, self.kinds[name])

    def solve(self, reward, toll):
        return self.ask(Solve({"delivery": np.broadcast_to(reward, self.shape), "passage": np.broadcast_to(toll, self.shape)}))

    def evaluate(self, delivery, passage=None, whole=False):
        passage = delivery / KWH if passage is None else passage
        return self.ask(Evaluate({"fleets": {"delivery": delivery, "passage": passage}}, whole))


def least_usd(z):
    """Return F(z): the best split has equal marginal costs, so the slopes add up as parallel resistances."""
    return 0.5 * (z**2).sum() / sum(1.0 / slope for slope in SLOPES.values())


@pytest.fixture
def play():
    return Play()


def test_at_prices_the_total_is_the_group_s_best_answer_and_its_bound_is_the_dual_value(play):
    answer = play.solve(3.0, 2.0)
    margin = 3.0 - 2.0 / KWH
    total = np.full(play.shape, margin * sum(1.0 / slope for slope in SLOPES.values()))
    np.testing.assert_allclose(answer.quantities["delivery"], total, atol=1e-6)
    assert answer.cost_usd == pytest.approx(least_usd(total), abs=1e-4)
    assert answer.bound_usd == pytest.approx(least_usd(total) - margin * total.sum(), abs=1e-4)
    assert answer.bound_kind is BoundKind.EXACT


def test_parts_add_up_to_any_plan_and_cost_no_more_than_the_mean_of_answers(play):
    random = np.random.default_rng(3)
    for _ in range(12):
        play.solve(random.uniform(0.0, 4.0, play.shape), random.uniform(0.0, 2.0, play.shape))
    for _ in range(10):
        wanted = random.uniform(0.0, 8.0, play.shape)
        answer = play.evaluate(wanted, wanted / KWH)
        parts = sum(part["delivery"] for part in play.parts.values())
        np.testing.assert_allclose(parts, wanted, atol=1e-9)
        assert (answer.quantities["delivery"] <= wanted + 1e-6).all()
        # What is answered is a plan of the group: no split costs less than the best one.
        assert answer.cost_usd >= least_usd(answer.quantities["delivery"]) - 1e-4
        # The bound there is proven: never above the best split of what was given.
        assert answer.bound_usd <= least_usd(wanted) + 1e-6
    near = play.solve(2.0, 0.5).quantities
    answer = play.evaluate(near["delivery"], near["passage"])
    assert answer.cost_usd == pytest.approx(least_usd(near["delivery"]), abs=1e-4)
    assert answer.bound_usd == pytest.approx(answer.cost_usd, rel=0.2)


def told_total(play, period=0):
    """Return the quantities that the last round's masked answers add up to."""
    topic = masked_answer("mves_fleet")
    came = {n: from_halves(play.inboxes["coordinator"].take(topic.key(n, ""), period, play.round)) for n in SLOPES}
    return from_words(total_of(came, tuple(SLOPES))[: 2 * np.prod(play.shape)], QUANTITY_DECIMALS)


@pytest.mark.parametrize("curious", [False, True])
def test_an_answer_to_another_question_cannot_be_had_back_as_part_of_a_plan(play, curious):
    """A good price for one fleet and none for others gives noise; so do later plans of what was answered."""
    sent = play.post.publish

    def unequal(topic, period, round_, values, receiver=""):
        sent(topic, period, round_, np.array(values) * (receiver in ("", "a")), receiver)

    play.post.publish = unequal if curious else sent
    with pytest.raises(PrivateSumError) if curious else contextlib.nullcontext():
        play.solve(3.0, 0.0)
    play.post.publish, play.round = sent, play.round + 1
    sent(weights("mves_fleet"), 0, play.round, np.array([[1.0, 1.0]]))
    sent(in_whole("mves_fleet"), 0, play.round, np.zeros(1))
    for exchange in play.post.world.exchanges:
        if "mves_fleet" in exchange.roles:
            sent(share(exchange, "mves_fleet"), 0, play.round, np.stack([np.ones(play.shape), np.zeros(play.shape)]))
    for name, member in play.members.items():
        given, whole = member.given(play.inboxes[name], 0, play.round)
        member.tell(play.inboxes[name], 0, play.round, Answer(given, 0.0, 0.0, None, BoundKind.EXACT), whole)
    answered = 3.0 * sum(1.0 / slope for slope in SLOPES.values())
    is_that = np.isclose(told_total(play)[: np.prod(play.shape)], answered, atol=1e-6)
    assert is_that.all() != curious
    assert is_that.any() != curious


def test_a_mean_of_answers_is_found_at_the_mean_of_costs(play):
    one, other = play.solve(1.0, 0.0), play.solve(3.0, 0.0)
    mean = {name: 0.25 * one.quantities[name] + 0.75 * other.quantities[name] for name in one.quantities}
    answer = play.evaluate(mean["delivery"], mean["passage"])
    np.testing.assert_allclose(answer.quantities["delivery"], mean["delivery"], atol=2e-6)
    assert answer.cost_usd <= 0.25 * one.cost_usd + 0.75 * other.cost_usd + 1e-3


def test_before_any_answer_all_are_asked_for_the_same_and_nothing_costs_nothing(play):
    answer = play.evaluate(np.zeros(play.shape))
    assert (answer.cost_usd, answer.bound_usd) == (0.0, 0.0)
    fresh = Play()
    fresh.evaluate(np.full(play.shape, 6.0))
    assert all((part["delivery"] == 2.0).all() for part in fresh.parts.values())


def test_in_whole_vehicles_each_rounds_up_and_then_does_exactly_what_it_said(play):
    play.solve(3.0, 0.0)
    wanted = np.full(play.shape, 9.0)
    said = play.evaluate(wanted, whole=True)
    opened = {name: part["passage"][..., 0] for name, part in play.parts.items()}
    assert all((passage == np.ceil(passage)).all() for passage in opened.values())
    assert said.quantities["passage"][..., 0].tolist() == sum(opened.values()).tolist()
    play.solve(1.0, 0.0)
    first = {name: dict(part) for name, part in play.parts.items()}
    again = play.evaluate(said.quantities["delivery"], said.quantities["passage"], whole=True)
    for name, part in play.parts.items():
        np.testing.assert_allclose(part["delivery"], np.minimum(first[name]["delivery"], KWH * first[name]["passage"]), atol=1e-9)
    assert again.quantities["delivery"].tolist() == said.quantities["delivery"].tolist()


def test_the_bound_of_a_sum_rests_on_its_weakest_term(play):
    play.kinds |= {"b": BoundKind.LINEAR}
    assert play.solve(2.0, 0.0).bound_kind is BoundKind.LINEAR
    play.kinds |= {"c": BoundKind.TREE}
    assert play.solve(2.1, 0.0).bound_kind is BoundKind.TREE


def test_members_that_were_asked_different_questions_give_noise(play):
    price = play.post.world.exchanges[0].price
    publish = play.post.publish

    def partial(topic, period, round_, values, receiver=""):
        publish(topic, period, round_, np.asarray(values) + (topic is price and receiver == "b"), receiver)

    play.post.publish = partial
    with pytest.raises(PrivateSumError, match="have not all been asked the same"):
        play.solve(2.0, 0.0)


def test_a_key_that_is_none_is_named(play):
    wrong = {mask_key("mves_fleet").key("b", ""): Frame(0, 0, np.zeros(32))}
    play.inboxes["a"].add(wrong)
    with pytest.raises(PrivateSumError, match="public key of the private sum is none"):
        play.solve(2.0, 0.0)
