"""The files between an agent and the person in its seat."""

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from federates.boundary.errors import FederationError
from federates.runtime.broker_config import BrokerConfig, Limits
from federates.runtime.identity import RunIdentity
from federates.seat.asking import hear
from federates.seat.mailbox import AWAY_S, MOST_BYTES, Desk, Mailbox, Nonsense, seat_folder, take_back_open


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


def _answer(ends: tuple[Mailbox, Desk], kind: str = "solve") -> int:
    mailbox, desk = ends
    n = mailbox.ask(kind, 60.0)
    desk.answer(n, {"best": True})
    mailbox.take_answer(n)
    mailbox.answered(n, {"by": "person"})
    return n


def test_of_an_interrupted_seat_stays_what_has_come_to_an_end(ends: tuple[Mailbox, Desk]) -> None:
    mailbox, desk = ends
    mailbox.ask("open", None)
    _answer(ends)
    mailbox.refuse(2, "No.")
    stays = {path.name: path.read_bytes() for path in desk.folder.iterdir()}
    n = mailbox.ask("solve", 60.0)
    mailbox.refuse(n, "Not this.")
    mailbox.drafted(n, desk.draft(n, {}), {"cost_usd": 1.0})
    mailbox.over("failed")
    desk.hold(until_period=1)
    take_back_open(desk.folder)
    assert {path.name: path.read_bytes() for path in desk.folder.iterdir()} == stays

    again = Mailbox(desk.folder)  # the agent lives again, and is asked the same
    assert [again.ask("open", None), again.ask("solve", 60.0), again.ask("solve", 90.0)] == [1, 2, 3]
    assert desk.question(3)["deadline"] == pytest.approx(time.time() + 90.0, abs=5.0)  # type: ignore[index]
    assert desk.refused(3) == []
    again.refuse(3, "Not that.")
    assert desk.refused(3) == ["Not that."]
    assert desk.draft(3, {}) == 1


@pytest.mark.parametrize("lost", ["question-3.json", "answered-3.json"])
def test_behind_what_the_disk_has_lost_nothing_of_a_seat_stays(ends: tuple[Mailbox, Desk], lost: str) -> None:
    mailbox, desk = ends
    for _ in range(4):
        _answer(ends)
    mailbox.ask("commit", None)
    if lost == "question-3.json":
        (desk.folder / "answered-3.json").write_text("")
    (desk.folder / lost).write_text("")
    take_back_open(desk.folder)
    left = {path.name for path in desk.folder.iterdir() if not path.name.startswith(".")}
    assert left == {f"{word}-{n}.json" for word in ("question", "answered") for n in (1, 2)}


def test_a_seat_that_nobody_had_is_left_alone(tmp_path: Path) -> None:
    take_back_open(seat_folder(tmp_path, "q1"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["missing", "empty", "cut off"])
def test_an_answer_of_before_a_crash_that_is_lost_is_named_by_its_file(ends: tuple[Mailbox, Desk], what: str) -> None:
    mailbox, desk = ends
    n = _answer(ends)
    taken = desk.folder / f".taken-{n}.json"
    assert hear(mailbox, n, 60.0, lambda given: given, lambda told: {}).answer == {"best": True}
    taken.unlink() if what == "missing" else taken.write_text({"empty": "", "cut off": '{"be'}[what])
    with pytest.raises(FederationError, match=rf"{re.escape(str(taken))}: the run cannot go on: .* cannot be read"):
        hear(mailbox, n, 60.0, lambda given: given, lambda told: {})


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
