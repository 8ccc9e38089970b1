"""Answers that unpack to more than fits: what the client reads itself is bounded, decompressed or not."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import ActionstepConnectError, ApiError, RateLimited
from actionstep_connect.models import Connection
from tests.support.api_calls import Call
from tests.support.hostile_server import Answer, HostileServer

MIB = 2**20
LIMIT = MIB
UNPACKED = 200 * MIB
ZEROS = gzip.compress(bytes(UNPACKED), 9)
ROWS = json.dumps({"timerecords": [{"id": number} for number in range(1000)]}).encode()


@pytest.fixture(autouse=True)
def _limited(settings: Settings, server: HostileServer) -> None:
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "MAX_RESPONSE_SIZE": LIMIT}


def bomb(**values: Any) -> Answer:
    """Return an answer of 200 kB that unpacks to a thousand times as much."""
    headers = {"Content-Encoding": "gzip", **values.pop("headers", {})}
    return Answer(body=ZEROS, headers=headers, **values)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_s54_a_decompression_bomb_is_not_unpacked(
    call: Call, server: HostileServer, status: int
) -> None:
    """No more than the limit is unpacked, of a success and of an error; the error says what it was."""
    server.script([bomb(status=status)])
    tracemalloc.start()
    try:
        with pytest.raises(ApiError) as caught:
            call("POST")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT
    assert caught.value.status == status
    assert (caught.value.code == "answer_too_large") is (status == 200)


def test_s54_a_bomb_behind_a_401_is_not_unpacked(call: Call, server: HostileServer) -> None:
    """The 401 after which the token is looked at again is bounded like any other answer."""
    server.answer(body={"error": "invalid_token"}, status=401)
    server.script([bomb(status=401), bomb(status=401)])
    tracemalloc.start()
    try:
        with pytest.raises(ActionstepConnectError):
            call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip, gzip", lambda body: gzip.compress(gzip.compress(body))),
    ],
)
def test_s54_the_limit_is_exact_in_every_encoding(
    call: Call, server: HostileServer, encoding: str, pack: Any
) -> None:
    """An answer as large as the limit is read whole; one byte more is refused."""
    body = b"x" * LIMIT
    server.script([Answer(body=pack(body), headers={"Content-Encoding": encoding})])
    response = call()
    assert response.content == body
    assert response.headers["Content-Encoding"] == encoding
    server.script([Answer(body=pack(body + b"x"), headers={"Content-Encoding": encoding})])
    with pytest.raises(ApiError, match="MAX_RESPONSE_SIZE"):
        call()


def test_s54_a_streamed_answer_is_the_callers(
    server: HostileServer, connection: Connection
) -> None:
    """What the caller reads piece by piece has no limit, sync or async; its errors have one."""

    async def stream() -> int:
        async with (
            AsyncActionstepClient(connection, max_wait=0) as actionstep,
            actionstep.stream("GET", "timerecords") as response,
        ):
            return sum([len(piece) async for piece in response.aiter_bytes()])

    server.script([bomb(), bomb(), bomb(status=500), bomb(status=500)])
    with ActionstepClient(connection, max_wait=0) as actionstep:
        with actionstep.stream("GET", "timerecords") as response:
            assert sum(map(len, response.iter_bytes())) == UNPACKED
        assert asyncio.run(stream()) == UNPACKED
        with pytest.raises(ApiError, match="500"), actionstep.stream("GET", "timerecords"):
            pass
    with pytest.raises(ApiError, match="500"):
        asyncio.run(stream())


def test_an_error_that_is_cut_off_keeps_its_type(call: Call, server: HostileServer) -> None:
    """A 429 that is too large to be read is RateLimited nevertheless, with its Retry-After."""
    server.answer(status=429, body=b"x" * (LIMIT + 1), headers={"Retry-After": "300"})
    with pytest.raises(RateLimited) as caught:
        call()
    assert caught.value.retry_after == 300


def test_what_is_not_too_large_is_read_as_before(call: Call, server: HostileServer) -> None:
    """A packed page of rows is read, and read again; the connection serves the next request."""
    server.answer(body=gzip.compress(ROWS), headers={"Content-Encoding": "gzip"})
    response = call()
    assert response.read() == response.content == ROWS
    assert len(response.json()["timerecords"]) == 1000
    assert response.elapsed.total_seconds() > 0
    assert response.is_closed
