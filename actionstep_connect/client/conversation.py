"""What takes several requests, written once for both clients: steps that ask, and who takes them.

Steps are generators. They yield what to ask, are sent the answer, and wait for nothing themselves: not
for Actionstep, not for time to pass, not for a disk.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import httpx2

from actionstep_connect.client.answers import Row
from actionstep_connect.client.bearer import ConnectionBearer
from actionstep_connect.client.frames import frameless
from actionstep_connect.secret import Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; `options` are those of `Client.request`."""

    method: str
    url: httpx2.URL | str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came, and the token that it was asked with, to be kept out of what is told of it."""

    response: httpx2.Response
    token: Secret


class Receiver(Protocol):
    """Takes an answer that is too large for memory."""

    def begin(self, response: httpx2.Response) -> None:
        """Look at the head of the answer. What this raises ends the answer."""

    def take(self, piece: bytes) -> None:
        """Take the next piece, perhaps in another thread."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request whose answer goes to `receiver` piece by piece."""

    url: httpx2.URL | str
    receiver: Receiver
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """Work with files, which may take a while: the answer is what it returns."""

    work: Callable[[], Any]


#: Steps that lead to one result.
Steps = Generator[Ask, Answer, T]
#: Such steps that also work with files. Which answer comes depends on the step.
FileSteps = Generator[Ask | Fetch | Pause | Run, Any, T]
#: Steps that give rows on their way.
Walking = Generator[Ask | list[Row], Answer, T]


class Conversing(httpx2.Client):
    """A client that takes steps."""

    _bearer: ConnectionBearer

    def _take(self, steps: Steps[T] | FileSteps[T]) -> T:
        """Take `steps` and return what they lead to. What a step raises is raised in them."""
        try:
            step: Any = next(steps)
            while True:
                try:
                    answer = self._do(step)
                except Exception as error:  # noqa: BLE001 - raised again where the steps are.
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()  # Of files that they hold, also where something else than an error ends this.

    def _walk(self, steps: Walking[Any]) -> Iterator[Row]:
        """Yield the rows that `steps` give. Requests are made as the rows are asked for."""
        try:
            step = next(steps)
            while True:
                if isinstance(step, Ask):
                    step = steps.send(self._ask(step))
                else:
                    yield from step
                    step = next(steps)
        except StopIteration:
            return

    def _do(self, step: Any) -> Any:
        match step:
            case Ask():
                return self._ask(step)
            case Fetch():
                return self._fetch(step)
            case Pause():
                return time.sleep(step.seconds)
            case Run():
                return step.work()

    def _fetch(self, fetch: Fetch) -> None:
        try:
            with self.stream("GET", fetch.url, **fetch.options) as response:
                fetch.receiver.begin(response)
                # As they come: what httpx2 would gather for pieces of one size is lost with a connection.
                for piece in response.iter_bytes():
                    fetch.receiver.take(piece)
        except httpx2.TransportError as error:
            raise frameless(error) from None

    def _ask(self, ask: Ask) -> Answer:
        response = self.request(ask.method, ask.url, **ask.options)
        return Answer(response, self._bearer.token)


class AsyncConversing(httpx2.AsyncClient):
    """What `Conversing` is, in async code."""

    _bearer: ConnectionBearer

    async def _take(self, steps: Steps[T] | FileSteps[T]) -> T:
        try:
            step: Any = next(steps)
            while True:
                try:
                    answer = await self._do(step)
                except Exception as error:  # noqa: BLE001 - raised again where the steps are.
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def _walk(self, steps: Walking[Any]) -> AsyncIterator[Row]:
        try:
            step = next(steps)
            while True:
                if isinstance(step, Ask):
                    step = steps.send(await self._ask(step))
                else:
                    for row in step:
                        yield row
                    step = next(steps)
        except StopIteration:
            return

    async def _do(self, step: Any) -> Any:
        match step:
            case Ask():
                return await self._ask(step)
            case Fetch():
                return await self._fetch(step)
            case Pause():
                return await asyncio.sleep(step.seconds)
            case Run():
                return await _in_thread(step.work)

    async def _fetch(self, fetch: Fetch) -> None:
        try:
            async with self.stream("GET", fetch.url, **fetch.options) as response:
                fetch.receiver.begin(response)
                async for piece in response.aiter_bytes():
                    await _in_thread(partial(fetch.receiver.take, piece))
        except httpx2.TransportError as error:
            raise frameless(error) from None

    async def _ask(self, ask: Ask) -> Answer:
        response = await self.request(ask.method, ask.url, **ask.options)
        return Answer(response, self._bearer.token)


async def _in_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns in a thread. It has ended when this ends, also when it is cancelled.

    Else it would go on with files that have been closed or taken away meanwhile.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
