"""A Celery broker that is a folder: kombu's, with files that are never seen half written.

For a demo and for one machine. Elsewhere use Redis or RabbitMQ.
"""

from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):  # type: ignore[misc]  # kombu ships no annotations.
    """A channel whose messages appear whole or not at all.

    kombu's own opens a message under its final name and then writes it. A worker that reads in
    between finds JSON without an end, and its main process dies of that.
    """

    def _put(self, queue: str, payload: Any, **_: Any) -> None:
        name = f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        draft = Path(self.data_folder_out, f".{name}")  # No queue's, because of its first letter.
        try:
            draft.write_text(dumps(payload))
            draft.rename(draft.with_name(name))
        except OSError as error:
            raise ChannelError(f"Cannot write {name!r} to {self.data_folder_out!r}.") from error

    def _get(self, queue: str) -> Any:
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                # A file that a full disk or a lost machine cut short; it is out of the folder by now.
                continue

    def _queue_bind(self, exchange: str, *binding: Any) -> None:
        # Of two processes that start at once, one would read what the other has not written yet.
        table: Path = self._exchange_file(exchange)
        draft = table.with_name(f".{uuid4()}")
        try:
            draft.write_text("[]")
            table.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        super()._queue_bind(exchange, *binding)


class Transport(filesystem.Transport):  # type: ignore[misc]  # kombu ships no annotations.
    """To be named in Celery's `broker_transport`, beside `filesystem://localhost` as `broker_url`."""

    Channel = Channel
