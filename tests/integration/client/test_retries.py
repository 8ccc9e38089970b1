"""When a request is made again: only if that is safe, after a wait, and for a limited time."""

import logging
import pickle
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
import stamina

from actionstep_connect.client.retries import ATTEMPTS, MAX_WAIT
from actionstep_connect.exceptions import ActionstepConnectError, ApiError, RateLimited
from tests.support.api_calls import Call, Clock
from tests.support.free_port import free_ports
from tests.support.hostile_server import Answer, HostileServer

IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]
TRANSIENT = [Answer(status=status) for status in (429, 502, 503, 504)]
LOST = Answer(drop=True)
GOOD = Answer(body={"timerecords": []})


@pytest.mark.parametrize("answer", [*TRANSIENT, LOST], ids=["429", "502", "503", "504", "lost"])
@pytest.mark.parametrize("method", IDEMPOTENT)
def test_an_idempotent_request_is_made_again(
    call: Call, server: HostileServer, clock: Clock, method: str, answer: Answer
) -> None:
    """What passes is waited out, and the whole request is sent again."""
    server.script([answer, GOOD])
    body = {"content": b'{"timerecords": {}}'} if method == "PUT" else {}
    assert call(method, **body).status_code == 200
    first, second = server.requests
    assert first == second
    assert len(clock.waits) == 1


@pytest.mark.parametrize("answer", [*TRANSIENT, LOST], ids=["429", "502", "503", "504", "lost"])
def test_a_post_is_made_once(
    call: Call, server: HostileServer, clock: Clock, answer: Answer
) -> None:
    """What may have been done already is not done twice."""
    server.answer(**vars(answer))
    with pytest.raises((ActionstepConnectError, httpx2.RemoteProtocolError)):
        call("POST", json={"timerecords": {}})
    assert len(server.requests) == 1
    assert clock.waits == []


@pytest.mark.parametrize("status", [400, 404, 405, 409, 500, 501])
def test_a_refusal_is_not_argued_with(
    call: Call, server: HostileServer, clock: Clock, status: int
) -> None:
    """What would fail again is not asked again."""
    server.answer(status=status)
    with pytest.raises(ApiError):
        call()
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_request_is_made_again_while_nothing_was_sent(
    call: Call, server: HostileServer, clock: Clock, method: str
) -> None:
    """No one listened, so nothing can have been done; in the end httpx2's own error is raised."""
    with pytest.raises(httpx2.ConnectError):
        call(method, options={"proxy": f"http://127.0.0.1:{free_ports(1)[0]}"})
    assert len(clock.waits) == ATTEMPTS - 1
    assert server.requests == []


def test_a_time_out_is_not_waited_for_again(
    call: Call, server: HostileServer, clock: Clock
) -> None:
    """Anyone who has waited for an answer that long is told so."""
    server.answer(silent=True)
    with pytest.raises(httpx2.ReadTimeout):
        call(timeout=httpx2.Timeout(10, read=0.2))
    assert len(server.requests) == 1


def test_retry_after_is_honoured(call: Call, server: HostileServer, clock: Clock) -> None:
    """Given as seconds or as a date, no one comes back sooner, nor all at once."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    server.script(
        [
            Answer(status=429, headers={"Retry-After": "7"}),
            Answer(status=503, headers={"Retry-After": date}),
            GOOD,
        ]
    )
    assert call().status_code == 200
    first, second = clock.waits
    assert 7 <= first <= 8
    assert 6 <= second <= 10


@pytest.mark.parametrize("status", [429, 503])
def test_a_longer_retry_after_is_the_callers_business(
    call: Call, server: HostileServer, clock: Clock, status: int
) -> None:
    """No one sleeps for minutes inside a request: the error says how long it takes."""
    server.answer(status=status, headers={"Retry-After": "300"})
    refusals: tuple[type[RateLimited | ApiError], ...] = (RateLimited, ApiError)
    with pytest.raises(refusals) as caught:
        call()
    assert caught.value.retry_after == 300
    assert len(server.requests) == 1
    assert clock.waits == []


def test_waits_grow_and_end(call: Call, server: HostileServer, clock: Clock) -> None:
    """An outage costs a handful of requests, ever farther apart, with jitter."""
    server.answer(status=503)
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == 503
    assert len(server.requests) == ATTEMPTS
    for wait, least in zip(clock.waits, (0.5, 1, 2, 4), strict=True):
        assert least <= wait <= min(least + 1, MAX_WAIT)


def test_patience_is_bounded(call: Call, server: HostileServer, clock: Clock) -> None:
    """Whatever Actionstep asks for, all waits together end before MAX_WAIT does."""
    server.answer(status=429, headers={"Retry-After": "9"})
    with pytest.raises(RateLimited):
        call()
    assert len(clock.waits) == 2
    assert sum(clock.waits) <= MAX_WAIT


def test_patience_can_be_set(call: Call, server: HostileServer, clock: Clock) -> None:
    """Without max_wait a request is made once; with more, a longer Retry-After is waited for."""
    server.answer(status=429, headers={"Retry-After": "300"})
    with pytest.raises(RateLimited):
        call(options={"max_wait": 0})
    assert len(server.requests) == 1
    clock.now += 300
    server.script([Answer(status=429, headers={"Retry-After": "300"}), GOOD])
    assert call(options={"max_wait": 600}).status_code == 200


def test_a_site_can_switch_retries_off(call: Call, server: HostileServer, clock: Clock) -> None:
    """Stamina's own switch, which a site may use in its tests, is obeyed."""
    server.answer(status=503)
    stamina.set_active(False)
    try:
        with pytest.raises(ApiError):
            call()
    finally:
        stamina.set_active(True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [LOST, Answer(status=503)], ids=["lost", "503"])
def test_no_error_holds_the_token(
    call: Call,
    server: HostileServer,
    clock: Clock,
    answer: Answer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a pickled error, nor its frames, nor what the retries log, has the bearer in it."""
    caplog.set_level(logging.DEBUG)
    server.answer(**vars(answer))
    with pytest.raises((ApiError, httpx2.RemoteProtocolError)) as caught:
        call()
    assert server.requests[0].headers["Authorization"] == "Bearer an-access-token"
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(frames.format()) + caplog.text + repr(vars(caught.value))
    assert "an-access-token" not in shown
    assert b"an-access-token" not in pickle.dumps(vars(caught.value))


def test_no_answer_holds_the_token(call: Call, server: HostileServer) -> None:
    """A response keeps its request, which has forgotten the bearer."""
    server.answer(status=307, headers={"Location": "/api/rest/timerecords/1"})
    response = call()
    assert response.next_request is not None
    assert b"an-access-token" not in pickle.dumps(response)
    assert "Authorization" not in response.next_request.headers
