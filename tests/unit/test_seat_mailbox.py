"""The files between an agent and the person in its seat."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from federates.runtime.broker_config import BrokerConfig, Limits
from federates.runtime.identity import RunIdentity
from federates.seat.mailbox import AWAY_S, MOST_BYTES, Desk, Mailbox, Nonsense, seat_folder


@pytest.fixture
def ends(tmp_path: Path) -> tuple[Mailbox, Desk]:
    folder = seat_folder(tmp_path, "q1")
    return Mailbox(folder), Desk(folder)


def test_a_desk_without_an_agent_is_empty(tmp_path: Path) -> None:
    desk = Desk(seat_folder(tmp_path, "q1"))
    assert (desk.sheet(), desk.last, desk.open_question(), desk.over()) == (None, 0, None, None)


def test_the_sheet_of_an_earlier_life_is_not_told_by_this_one(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    assert not desk.told_since(0.0)
    mailbox.sheet({"agent": "q1"})
    os.utime(desk.folder / "sheet.json", (100.0, 100.0))
    assert (desk.told_since(99.0), desk.told_since(101.0)) == (True, False)
    mailbox.sheet({"agent": "q1"})
    assert desk.told_since(101.0)


def test_a_question_is_open_until_it_is_answered_and_a_notice_never_is(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    mailbox.ask("open", None, period=0, outlook={})
    assert desk.last == 1
    assert desk.open_question() is None
    n = mailbox.ask("solve", 60.0, period=0, prices={"delivery": [1.5]})
    question = desk.open_question()
    assert question is not None
    assert (question["n"], question["kind"], question["prices"]) == (n, "solve", {"delivery": [1.5]})
    assert question["deadline"] == pytest.approx(time.time() + 60.0, abs=5.0)
    desk.answer(n, {"best": True})
    assert mailbox.take_answer(n) == {"best": True}
    assert mailbox.take_answer(n) is None
    mailbox.answered(n, {"by": "person"})
    assert desk.open_question() is None


def test_a_refused_answer_may_be_given_again(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    n = mailbox.ask("solve", 60.0)
    for sentence in ("No.", "No again."):
        desk.answer(n, {"quantities": 1})
        assert mailbox.take_answer(n) == {"quantities": 1}
        mailbox.refuse(n, sentence)
    assert desk.refused(n) == ["No.", "No again."]


def test_each_draft_is_computed_once(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    n = mailbox.ask("solve", 60.0)
    assert [desk.draft(n, {"quantities": i}) for i in range(2)] == [1, 2]
    assert list(mailbox.drafts(n)) == [(1, {"quantities": 0}), (2, {"quantities": 1})]
    mailbox.drafted(n, 1, {"cost_usd": 5.0})
    assert [k for k, _ in mailbox.drafts(n)] == [2]
    assert desk.drafted(n, 1) == {"cost_usd": 5.0}
    assert desk.drafted(n, 2) is None


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000, b'"' + b"x" * MOST_BYTES + b'"'])
def test_what_cannot_be_read_is_a_sentence(ends: tuple[Mailbox, Desk], text: bytes) -> None:
    mailbox, desk = ends
    n = mailbox.ask("solve", 60.0)
    (desk.folder / f"answer-{n}.json").write_bytes(text)
    found = mailbox.take_answer(n)
    assert isinstance(found, Nonsense)
    assert found.endswith(".")


def test_who_has_given_no_sign_for_long_is_away(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    assert not mailbox.away  # nobody says so, so everybody is waited for
    desk.here()
    assert not mailbox.away
    old = time.time() - AWAY_S - 1.0
    os.utime(desk.folder / "here.json", (old, old))
    assert mailbox.away


def test_the_lecturer_holds_a_period_and_lets_it_go(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    assert not mailbox.held(0)
    desk.hold(until_period=2)
    assert [mailbox.held(period) for period in (1, 2, 3)] == [False, True, True]
    desk.hold()
    assert mailbox.held(0)
    desk.go_on()
    assert not mailbox.held(0)


def test_limits_give_people_their_time_and_nobody_else_more():
    limits = Limits(answer_s=10.0)
    assert limits.for_people({}) is limits
    raised = limits.for_people({"springs": 60.0, "norwalk": 90.0})
    assert raised.answer_s == 3 * 10.0 + 90.0
    assert raised.model_copy(update={"answer_s": 10.0}) == limits


def test_a_run_s_identity_keeps_its_seats(tmp_path: Path) -> None:
    config = BrokerConfig(schema_version=1)
    given = RunIdentity(
        "id", str(tmp_path), str(tmp_path), 24_000, "key", config, "road", {"springs": "power_operator"}, {"springs": 60.0}
    )
    given.write(tmp_path / "identity.json")
    assert RunIdentity.read(tmp_path / "identity.json") == given
    assert given.most_hold_s == 3600.0
    assert replace(given, seats={}).most_hold_s == 0.0
