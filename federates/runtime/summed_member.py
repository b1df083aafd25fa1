"""A member of a private sum: it tells its answers masked, and finds its own part of a plan by itself."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.canonical import down_to_grid, to_grid, up_to_grid
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.names import Role
from federates.boundary.summed import (
    COST_DECIMALS,
    QUANTITY_DECIMALS,
    SummedRole,
    in_whole,
    mask_key,
    masked_answer,
    share,
    weights,
)
from federates.private_sum.fixed_point import to_halves, to_words
from federates.private_sum.masks import Masking
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox

_C = Role.COORDINATOR.value


class SummedMember:
    """What an operator's loop does where its world sums the answers of its role."""

    def __init__(self, federate: Federate, summed: SummedRole) -> None:
        self._federate, self._role = federate, summed.role
        self._exchanges = [exchange for exchange in federate.world.exchanges if summed.role in exchange.roles]
        self._members = [agent for agent, role in federate.identity.agents.items() if role == summed.role]

    def open(self, period: int) -> None:
        """Tell the others a new key; masks of different periods have nothing in common."""
        self._masking, self._agreed = Masking(self._federate.agent), False
        self._answers: dict[int, Quantities] = {}
        self._asked_so_far = b""
        public = np.frombuffer(self._masking.public_key, dtype=np.uint8).astype(np.float64)
        self._federate.publish(mask_key(self._role), period, 0, public)

    def given(self, inbox: Inbox, period: int, round_: int) -> tuple[Quantities, bool]:
        """Return the own part of what the group is given: the mean of own answers by the weights, times the shares.

        Also whether it is to be done in whole numbers; these are rounded up then.
        """

        def take(topic: Any) -> Array:
            return inbox.take(topic.key(_C, ""), period, round_)

        rows, whole = take(weights(self._role)), bool(take(in_whole(self._role))[0])
        part: dict[str, Array] = {}
        for exchange in self._exchanges:
            factor, added = take(share(exchange, self._role))
            mean = np.zeros_like(factor)
            for asked, weight in rows:
                mean = mean + weight * self._answers[int(asked)][exchange.name]
            part[exchange.name] = mean * factor + added
        return (self._whole(part) if whole else part), whole

    def _whole(self, quantities: Quantities) -> Quantities:
        return self._federate.world.whole_part(self._federate.session, quantities)

    def tell(self, inbox: Inbox, period: int, round_: int, answer: Answer, whole: bool = False) -> None:
        """Tell an answer masked, and remember it. Whole numbers are enough for it at no more than its cost.

        Raises
        ------
        PrivateSumError : a number is out of range, or somebody's key is none.
        """
        if not self._agreed:
            self._agree(inbox, period)
        quantities = self._whole(answer.quantities) if whole else answer.quantities
        kept = {e.name: to_grid(quantities[e.name], QUANTITY_DECIMALS) for e in self._exchanges}
        self._answers[round_] = kept
        usd = [up_to_grid(answer.cost_usd, COST_DECIMALS), down_to_grid(answer.bound_usd, COST_DECIMALS)]
        words = np.concatenate(
            [
                *(to_words(values, QUANTITY_DECIMALS) for values in kept.values()),
                to_words(np.array(usd), COST_DECIMALS),
                to_words([kind is answer.bound_kind for kind in BoundKind], 0),
            ]
        )
        topic = masked_answer(self._role)
        self._asked_so_far = self._digest(inbox, period, round_)
        masked = self._masking.mask(words, f"{topic.name}|{round_}|{self._asked_so_far.hex()}".encode())
        self._federate.publish(topic, period, round_, to_halves(masked))

    def _digest(self, inbox: Inbox, period: int, round_: int) -> bytes:
        """Return a digest of all that the coordinator has asked in this period, up to this round.

        It goes into the masks: they cancel if all were asked the same. A coordinator that offers one member a good price, and the
        others a bad one, gets noise and not that member's answer; and noise in all later rounds, in which it could have that
        answer given back as part of a plan.
        """
        said = inbox.said_by(_C, period, round_)
        by_topic = {key.rsplit("/", 1)[1]: frame for key, frame in said.items()}
        digest = hashlib.sha256(self._asked_so_far)
        for name, frame in sorted(by_topic.items()):
            digest.update(f"{name}|{frame.round}|{frame.values.shape}|".encode() + frame.values.tobytes())
        return digest.digest()

    def _agree(self, inbox: Inbox, period: int) -> None:
        own, keys, topic = self._federate.agent, {}, mask_key(self._role)
        for name in self._members:
            told = None if name == own else inbox.take(topic.key(name, ""), period, 0)
            keys[name] = self._masking.public_key if told is None else bytes(np.clip(told, 0, 255).astype(np.uint8))
        self._masking.agree(keys, f"{self._federate.identity.run_id}|{period}".encode())
        self._agreed = True
