"""Reading answers no further than MAX_RESPONSE_SIZE: a few kilobytes may unpack to gigabytes.

httpx2 unpacks in pieces of 1 MiB, so that what is read is counted before it is kept.
"""

from contextlib import aclosing

import httpx2

from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ApiError


def read_within_limit(response: httpx2.Response) -> None:
    """Read `response`, counting what is unpacked. An error that is too large is cut off there.

    Raises ApiError (`answer_too_large`) for any other.
    """
    kept = _Kept(response)
    try:
        for piece in response.iter_bytes():
            if not kept.take(piece):
                break
        response.close()
        kept.give()
    except BaseException:
        response.close()
        raise


async def aread_within_limit(response: httpx2.Response) -> None:
    """Do what `read_within_limit` does, in async code."""
    kept = _Kept(response)
    try:
        async with aclosing(response.aiter_bytes()) as pieces:
            async for piece in pieces:
                if not kept.take(piece):
                    break
        await response.aclose()
        kept.give()
    except BaseException:
        await response.aclose()
        raise


class _Kept:
    """What was read of an answer so far."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._limit = get_config().max_response_size
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> bool:
        """Keep `piece`, and return whether there is room for more."""
        self._size += len(piece)
        if self._size <= self._limit:
            self._pieces.append(piece)
        return self._size <= self._limit

    def give(self) -> None:
        """Make what was kept the content of the answer, as its `read()` does."""
        response = self._response
        if self._size > self._limit and not response.is_error:
            raise ApiError(
                f"Actionstep's answer is larger than {self._limit} bytes (MAX_RESPONSE_SIZE): "
                f"{response.request.url.path}. Ask for less at once, or read it with stream().",
                code=ErrorCode.ANSWER_TOO_LARGE,
                status=response.status_code,
            )
        # httpx2 offers no other way to hand over what was read.
        response._content = b"".join(self._pieces)
