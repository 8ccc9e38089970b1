"""What people do with this API, as methods of both clients."""

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from actionstep_connect.client import batches, custom_fields, downloads, meta, uploads, walks
from actionstep_connect.client.answers import Row
from actionstep_connect.client.batches import BATCH_SIZE
from actionstep_connect.client.files import Progress, Readable, Writable, checked_name, in_reach
from actionstep_connect.client.walks import AsyncWalks, Walks

if TYPE_CHECKING:
    from actionstep_connect.client.rows import AsyncTypedReading, TypedReading
else:  # The types of fifty resources take a while to make, and nothing that runs needs them.
    TypedReading, AsyncTypedReading = Walks, AsyncWalks


class Work(TypedReading):
    """The work of `ActionstepClient`."""

    #: Seconds, as `ActionstepClient` describes them.
    max_wait: float

    def count(self, resource: str, **params: Any) -> int:
        """Return how many rows of `resource` `params` select."""
        return self._take(walks.count(resource, params))

    def create_many(
        self, resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int = BATCH_SIZE
    ) -> list[Row]:
        """Create `rows` in batches; return them as Actionstep has them, in the order given.

        Raises PartialFailure, which says of each row what became of it, unless nothing was done at all.
        """
        return self._take(batches.create(resource, rows, batch_size=batch_size))

    def update_many(
        self, resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int = BATCH_SIZE
    ) -> list[Row]:
        """Change `rows`, each with its `id`, in batches; return them in the order given.

        Raises PartialFailure, as `create_many` does.
        """
        return self._take(batches.update(resource, rows, batch_size=batch_size))

    def current_user(self) -> Row:
        """Return the user that this client acts as (Actionstep: `users/current`)."""
        return self._take(meta.read_current_user())

    def application_meta_data(self) -> Row:
        """Return who is signed in, where, and the way in for `deep_link`. Needs the scope `AsCommon`."""
        return self._take(meta.read())

    def custom_fields(self, matter: int | str) -> dict[str, Any]:
        """Return a matter's custom fields: by collection and name, as text, None without a value.

        A collection of which a matter may have several records is a list of such mappings.
        """
        return self._take(custom_fields.read(matter))

    def set_custom_fields(self, matter: int | str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the custom fields that `values` name by collection and name; the others stay.

        Before anything is written, raises KeyError for a name that the type of matter does not have, and
        ValueError for a collection that may have several records.
        """
        self._take(custom_fields.write(matter, values))

    def upload(
        self, file: Readable, *, name: str = "", resume: str = "", progress: Progress | None = None
    ) -> str:
        """Upload `file` from its beginning, in parts; return what a document takes as its `file`.

        It is a path, bytes, a binary file object or an iterable of bytes, and `name` what it is called
        if that is not its own name. `progress` is told the bytes that have arrived, and of how many.

        Raises FileRefused, and TransferInterrupted once a part has arrived, whose `resume` goes on.
        """
        return self._take(uploads.upload(file, name=name, resume=resume, progress=progress))

    def attach(
        self,
        file: str,
        *,
        action: int | str | None = None,
        participant: int | str | None = None,
        folder: int | str | None = None,
        max_wait: float | None = None,
        **members: Any,
    ) -> Row:
        """Make a document of what `upload` gave, at a matter or at a contact; return its row.

        `members` are those of the row, such as `name`, which is the file's unless you give one. While
        Actionstep scans the file, it is tried again for `max_wait` seconds, or for those of the client.

        Raises TemporarilyUnavailable (`scanning`) after that.
        """
        links = uploads.links_of(action=action, participant=participant, folder=folder)
        seconds = self.max_wait if max_wait is None else max_wait
        return self._take(uploads.attach(file, links, members, max_wait=seconds))

    def download(
        self,
        file: str | Mapping[str, Any],
        to: Writable,
        *,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Write the file of a document to `to`, a path or a binary file object; return its bytes' number.

        `file` is the row of the document, or its `file`. At a path there is the whole file or what was
        there before. `size` is that of the file, which is looked up if neither you nor the row says it.

        Raises TransferInterrupted where the file is cut off.
        """
        return self._take(
            downloads.download(file, to, size=size, progress=progress, max_wait=self.max_wait)
        )


class AsyncWork(AsyncTypedReading):
    """The work of `AsyncActionstepClient`."""

    max_wait: float

    async def count(self, resource: str, **params: Any) -> int:
        """Do what `ActionstepClient.count` does, in async code."""
        return await self._take(walks.count(resource, params))

    async def create_many(
        self, resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int = BATCH_SIZE
    ) -> list[Row]:
        """Do what `ActionstepClient.create_many` does, in async code."""
        return await self._take(batches.create(resource, rows, batch_size=batch_size))

    async def update_many(
        self, resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int = BATCH_SIZE
    ) -> list[Row]:
        """Do what `ActionstepClient.update_many` does, in async code."""
        return await self._take(batches.update(resource, rows, batch_size=batch_size))

    async def current_user(self) -> Row:
        """Do what `ActionstepClient.current_user` does, in async code."""
        return await self._take(meta.read_current_user())

    async def application_meta_data(self) -> Row:
        """Do what `ActionstepClient.application_meta_data` does, in async code."""
        return await self._take(meta.read())

    async def custom_fields(self, matter: int | str) -> dict[str, Any]:
        """Do what `ActionstepClient.custom_fields` does, in async code."""
        return await self._take(custom_fields.read(matter))

    async def set_custom_fields(
        self, matter: int | str, values: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Do what `ActionstepClient.set_custom_fields` does, in async code."""
        await self._take(custom_fields.write(matter, values))

    async def upload(
        self,
        file: Readable | AsyncIterable[bytes],
        *,
        name: str = "",
        resume: str = "",
        progress: Progress | None = None,
    ) -> str:
        """Do what `ActionstepClient.upload` does, in async code, also with what gives bytes there."""
        name = checked_name(file, name)
        async with in_reach(file) as readable:
            steps = uploads.upload(readable, name=name, resume=resume, progress=progress)
            return await self._take(steps)

    async def attach(
        self,
        file: str,
        *,
        action: int | str | None = None,
        participant: int | str | None = None,
        folder: int | str | None = None,
        max_wait: float | None = None,
        **members: Any,
    ) -> Row:
        """Do what `ActionstepClient.attach` does, in async code."""
        links = uploads.links_of(action=action, participant=participant, folder=folder)
        seconds = self.max_wait if max_wait is None else max_wait
        return await self._take(uploads.attach(file, links, members, max_wait=seconds))

    async def download(
        self,
        file: str | Mapping[str, Any],
        to: Writable,
        *,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Do what `ActionstepClient.download` does, in async code; the disk is written in threads."""
        return await self._take(
            downloads.download(file, to, size=size, progress=progress, max_wait=self.max_wait)
        )
