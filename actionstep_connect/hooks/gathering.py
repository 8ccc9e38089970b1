"""Having what arrives together done together, by one thread with one database connection.

While the thread works on a batch, the next one gathers. So a lone call waits for nothing, and the more
calls come, the less each of them costs.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MAX_ITEMS = 100
#: A batch is full with the item that reaches it. Databases bound the size of a statement.
MAX_BYTES = 1_048_576


class Worker:
    """A thread that does what it is given, one after the other. It ends with its process."""

    def __init__(self) -> None:
        self._given: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        # A daemon: a database that does not answer must not keep the process from ending.
        Thread(target=self._run, name="actionstep-receiver", daemon=True).start()

    async def do(self, work: Callable[[], T]) -> T:
        """Have `work` done; return or raise what it does."""
        future: Future[T] = Future()
        self._given.put((future, work))
        return await asyncio.wrap_future(future)

    def _run(self) -> None:
        while True:
            future, work = self._given.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - it is for those who wait.
                future.set_exception(error)


class Together(Generic[Item, Outcome]):
    """Does for many items at once what is asked for each. `work` gives an outcome for each item."""

    def __init__(
        self,
        worker: Worker,
        work: Callable[[Sequence[Item]], Sequence[Outcome]],
        *,
        size: Callable[[Item], int] = lambda _: 0,
    ) -> None:
        self._worker, self._work, self._size = worker, work, size
        self._waiting: deque[tuple[Item, asyncio.Future[Outcome | Exception]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Outcome | Exception:
        """Return the outcome for `item`, or the error of its whole batch."""
        future: asyncio.Future[Outcome | Exception] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._empty())
        return await future

    async def _empty(self) -> None:
        while self._waiting:
            items, futures = zip(*self._next(), strict=True)
            outcomes: Sequence[Outcome | Exception]
            try:
                outcomes = await self._worker.do(partial(self._work, items))
            except Exception as error:  # noqa: BLE001 - it is for those who wait.
                outcomes = [error] * len(items)
            for future, outcome in zip(futures, outcomes, strict=True):
                if not future.done():  # Who asked may have been cancelled.
                    future.set_result(outcome)
        self._task = None

    def _next(self) -> list[tuple[Item, "asyncio.Future[Outcome | Exception]"]]:
        batch: list[tuple[Item, asyncio.Future[Outcome | Exception]]] = []
        size = 0
        while self._waiting and len(batch) < MAX_ITEMS and size < MAX_BYTES:
            batch.append(self._waiting.popleft())
            size += self._size(batch[-1][0])
        return batch
