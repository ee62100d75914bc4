"""What the clients decide, without a server: what is kept, asked again, settled, given up."""

import base64
import json
from typing import Any

import pytest

from scoreboard.client import calls, reads
from scoreboard.client.credential import caller_of
from scoreboard.client.line import Line
from scoreboard.client.outbox import Pending
from scoreboard.client.patience import Patience
from scoreboard.client.problem import ClientProblem
from scoreboard.client.talk import Heard, Keep, Pause, Recall, Reply, Send, Settle, Step, Talk

AWARDED = Reply(200, {"award-id": "a"}, b'{"success":true,"new_score":50}')
REPLAYED = Reply(200, {"award-id": "a", "idempotency-replayed": "true"}, AWARDED.body)
HTML = Reply(404, {}, b"<html>")
LOST = None


class Memory:
    """An outbox for talks, which never call it: the shells do."""

    def keep(self, pending: Pending) -> None:
        raise AssertionError

    def settle(self, name: str) -> None:
        raise AssertionError

    def pending(self) -> tuple[Pending, ...]:
        raise AssertionError


KEPT = Line("http://s", "token", Memory(), Patience(attempts=4))
PLAIN = Line("http://s", "token", None, Patience(attempts=4))


def problem(status: int, code: str, **headers: str) -> Reply:
    told = {"type": "t", "title": "t", "status": status, "code": code, "detail": "No."}
    return Reply(status, headers, json.dumps({**told, "instance": "urn:uuid:0"}).encode())


def hold(
    talk: Talk[Any], replies: list[Reply | None], kept: tuple[Pending, ...] = ()
) -> tuple[Any, list[Step]]:
    """The answer of a talk, or the problem that it raised, and its steps."""
    steps: list[Step] = []
    heard: Heard = None
    try:
        while True:
            steps.append(step := talk.send(heard))
            match step:
                case Send():
                    heard = replies.pop(0)
                case Recall():
                    heard = kept
                case _:
                    heard = None
    except StopIteration as done:
        return done.value, steps
    except ClientProblem as error:
        return error, steps


def kinds(steps: list[Step]) -> str:
    return " ".join(type(step).__name__.lower() for step in steps)


def test_an_award_is_kept_before_it_is_sent_and_settled_after_the_answer() -> None:
    receipt, steps = hold(calls.award(KEPT, "ada", "quiz"), [LOST, LOST, REPLAYED])
    assert kinds(steps) == "keep send pause send pause send settle"
    assert receipt == calls.Receipt(50, "a", receipt.idempotency_key, replayed=True)
    keys = [step.headers["Idempotency-Key"] for step in steps if isinstance(step, Send)]
    assert keys == [receipt.idempotency_key] * 3
    assert isinstance(steps[0], Keep)
    assert steps[0].pending.name == receipt.idempotency_key
    assert steps[-1] == Settle(receipt.idempotency_key)


def test_without_an_outbox_nothing_is_kept() -> None:
    _, steps = hold(calls.award(PLAIN, "ada", "quiz"), [AWARDED])
    assert kinds(steps) == "send"
    assert hold(calls.resend(PLAIN), []) == ((), [])


def test_a_signature_is_the_name() -> None:
    _, steps = hold(calls.award(KEPT, "ada", "quiz", signature="key=a.b,..."), [AWARDED])
    assert isinstance(steps[1], Send)
    assert "Idempotency-Key" not in steps[1].headers
    assert steps[-1] == Settle("key=a.b,...")
    with pytest.raises(ValueError, match="no idempotency_key"):
        hold(calls.award(KEPT, "ada", "quiz", "k" * 16, signature="s"), [])


IN_DOUBT = problem(503, "outcome-unknown")
CLEAR = problem(503, "overloaded")


@pytest.mark.parametrize(
    ("replies", "settled", "in_doubt"),
    [
        ([problem(400, "unknown-action")], True, False),
        ([problem(403, "forbidden-user")], True, False),
        ([problem(409, "award-conflict")], True, False),
        ([problem(401, "invalid-token")], False, False),
        ([HTML], False, False),
        ([IN_DOUBT, problem(401, "invalid-token")], False, True),
        ([IN_DOUBT, problem(403, "forbidden-user")], False, True),
        ([LOST, problem(403, "action-rejected")], False, True),
        ([LOST, problem(403, "user-suspended")], True, True),
        ([CLEAR, problem(403, "forbidden-user")], True, False),
        ([LOST] * 4, False, True),
        ([CLEAR] * 4, False, False),
        ([problem(429, "rate-limited")] * 4, False, False),
        ([Reply(502, {}, b"bad gateway")] * 4, False, True),
    ],
    ids=range(14),
)
def test_only_what_settles_an_award_takes_it_out_of_the_outbox(
    replies: list[Reply | None], settled: bool, in_doubt: bool
) -> None:
    error, steps = hold(calls.award(KEPT, "ada", "quiz"), list(replies))
    assert isinstance(error, ClientProblem)
    assert isinstance(steps[-1], Settle) is settled
    assert error.in_doubt is in_doubt
    assert sum(isinstance(step, Send) for step in steps) == len(replies)


def test_the_wait_is_what_the_server_asks_and_a_random_one() -> None:
    later = problem(503, "unavailable", **{"retry-after": "7"})
    _, steps = hold(reads.top(PLAIN), [later, later, AWARDED])
    waits = [step.wait_s for step in steps if isinstance(step, Pause)]
    assert 7 <= waits[0] <= 7.1
    assert 7 <= waits[1] <= 7.2


def test_nothing_is_begun_after_the_deadline() -> None:
    line = Line("http://s", None, None, Patience(deadline_s=5, timeout_s=9))
    later = problem(503, "unavailable", **{"retry-after": "6"})
    error, steps = hold(reads.top(line), [later])
    assert isinstance(error, ClientProblem)
    assert kinds(steps) == "send"
    assert isinstance(steps[0], Send)
    assert steps[0].timeout_s <= 5


def test_the_token_is_asked_for_before_each_attempt() -> None:
    tokens = iter(["first", "second", "third"])
    line = Line("http://s", lambda: next(tokens))
    _, steps = hold(reads.top(line), [LOST, LOST, problem(404, "not-found")])
    sent = [step.headers["Authorization"] for step in steps if isinstance(step, Send)]
    assert sent == ["Bearer first", "Bearer second", "Bearer third"]


def token(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def test_a_fresh_token_is_of_the_same_caller() -> None:
    assert caller_of(token(sub="a", exp=1)) == caller_of(token(sub="a", exp=2, iss=""))
    others = [token(sub="b"), token(sub="a", iss="i"), "opaque", token(sub=5), "a.!.b", ""]
    assert len({caller_of(each) for each in (token(sub="a"), *others)}) == 7


def pending(number: int, caller: str = caller_of("token")) -> Pending:
    key = f"key-{number:012d}"
    return Pending(user_id="ada", action_id="quiz", caller=caller, idempotency_key=key)


def test_what_is_pending_is_sent_again_with_its_key_and_that_of_others_is_not() -> None:
    kept = (pending(1), pending(2, "somebody"), pending(3))
    refused = problem(403, "user-suspended")
    done, steps = hold(calls.resend(KEPT), [REPLAYED, refused], kept)
    assert kinds(steps) == "recall send settle send settle"
    assert [each.pending for each in done] == [kept[0], kept[2]]
    assert done[0].receipt.replayed
    assert done[1].problem.code == "user-suspended"


def test_what_came_of_a_crash_is_in_doubt() -> None:
    done, steps = hold(calls.resend(KEPT), [problem(403, "forbidden-user")], (pending(1),))
    assert kinds(steps) == "recall send"
    assert done[0].problem.in_doubt


def test_sending_again_stops_where_nobody_answers() -> None:
    done, steps = hold(calls.resend(KEPT), [LOST] * 4, (pending(1), pending(2)))
    assert kinds(steps) == "recall send pause send pause send pause send"
    assert [each.problem.code for each in done] == ["unreachable"]


NOTE = "scoreboard/1\n1\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nepoch 1\ntime 2\n\n— s AA\n"


def test_a_checkpoint_is_handed_on_as_it_is_and_nothing_else_is_one() -> None:
    note, steps = hold(reads.checkpoint(PLAIN), [LOST, Reply(200, {}, NOTE.encode())])
    assert (note, kinds(steps)) == (NOTE, "send pause send")
    for body in (b"<html>", b"\xff" * 200, NOTE[:30].encode()):
        problem, _ = hold(reads.checkpoint(PLAIN), [Reply(200, {}, body)])
        assert problem.code == "not-a-scoreboard"


@pytest.mark.parametrize(
    "impatient", [{"attempts": 0}, {"deadline_s": 0}, {"timeout_s": -1}], ids=str
)
def test_impatience_is_refused(impatient: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Patience(**impatient)
