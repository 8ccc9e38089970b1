"""Many rows at once, in batches; what went wrong is said row by row.

A batch that is refused is sent again in halves until the row at fault is alone: JSON:API lets a request
succeed whole or fail whole. What was perhaps carried out is never sent again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from actionstep_connect.client.answers import Row, page_of
from actionstep_connect.client.conversation import Answer, Ask, Steps
from actionstep_connect.client.retries import NOT_SENT
from actionstep_connect.client.values import as_json
from actionstep_connect.exceptions import ActionstepConnectError, ApiError, PartialFailure

#: It is not documented how many rows Actionstep takes at once; this many keep addresses short as well.
BATCH_SIZE = 50
#: Of the ids in an address, in characters: servers refuse addresses of 8 kB.
MAX_IDS = 2000

#: What refuses a request whole, and so may be about one of its rows.
_REFUSALS = frozenset(range(400, 500)) - {401, 403, 429}

Numbered = Sequence[tuple[int, Row]]


@dataclass
class _Progress:
    rows: dict[int, Row] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)
    cause: Exception | None = None


def create(
    resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int
) -> Steps[list[Row]]:
    """Create rows, and return them as Actionstep has them, in the order given."""
    numbered = _numbered(rows)
    return (yield from _write(resource, numbered, "POST", batch_size))


def update(
    resource: str, rows: Iterable[Mapping[str, Any]], *, batch_size: int
) -> Steps[list[Row]]:
    """Change rows, each of which names its `id`, and return them in the order given."""
    numbered = _numbered(rows)
    if nameless := [number for number, row in numbered if row.get("id") in (None, "")]:
        raise ValueError(f"Row {nameless[0]} has no id, so it is not known what to change.")
    ids = [str(row["id"]) for _, row in numbered]
    if len(ids) > len(set(ids)):
        raise ValueError("Two rows have the same id: say of each row once what is to change.")
    # The published verb of a matter is PATCH, and no other resource has it.
    method = "PATCH" if resource.strip("/") == "actions" else "PUT"
    return (yield from _write(resource, numbered, method, batch_size))


def _numbered(rows: Iterable[Mapping[str, Any]]) -> Numbered:
    numbered = list(enumerate(rows))
    for number, row in numbered:
        if not isinstance(row, Mapping):
            raise TypeError(f"Row {number} is {type(row).__name__}: rows are mappings.")
    # All of them first: one that cannot be sent must not stop the walk amid the others.
    return [(number, as_json(row, f"Row {number}")) for number, row in numbered]


def _write(resource: str, rows: Numbered, method: str, batch_size: int) -> Steps[list[Row]]:
    resource = resource.strip("/")
    progress, batches = _Progress(), list(_batches(rows, batch_size))
    while batches and progress.cause is None:
        batch = batches.pop(0)
        try:
            answer = yield _request(resource, batch, method)
            _keep(progress, batch, answer)
        except ApiError as error:
            if error.status not in _REFUSALS:
                _stop(progress, batches, batch, error, is_unknown=True)
            elif len(batch) > 1:
                half = len(batch) // 2
                batches[:0] = [batch[:half], batch[half:]]
            else:
                progress.failed[batch[0][0]] = str(error)
        except (ActionstepConnectError, httpx2.RequestError) as error:
            is_unknown = isinstance(error, httpx2.RequestError) and not isinstance(error, NOT_SENT)
            _stop(progress, batches, batch, error, is_unknown=is_unknown)
        except Exception as error:
            # A database that is away as a token is refreshed, or the time limit of a task.
            if not (progress.rows or progress.failed):
                raise
            _stop(progress, batches, batch, error, is_unknown=True)
    if progress.cause is not None and not (progress.rows or progress.failed or progress.unknown):
        raise progress.cause  # Nothing was done: the whole may be tried again.
    left = [number for batch in batches for number, _ in batch]
    if progress.failed or progress.unknown or left:
        raise _failure(resource, progress, left, len(rows)) from progress.cause
    return [progress.rows[number] for number, _ in rows]


def _batches(rows: Numbered, size: int) -> Iterator[Numbered]:
    if size < 1:
        raise ValueError("batch_size must be at least 1.")
    batch: list[tuple[int, Row]] = []
    length = 0
    for number, row in rows:
        width = len(_segment(row.get("id", ""))) + 1
        if batch and (len(batch) == size or length + width > MAX_IDS):
            yield batch
            batch, length = [], 0
        batch.append((number, row))
        length += width
    if batch:
        yield batch


def _request(resource: str, batch: Numbered, method: str) -> Ask:
    rows = [row for _, row in batch]
    url = resource
    if method != "POST":
        url = f"{resource}/{','.join(_segment(row['id']) for row in rows)}"
    # One row is an object, as in an answer.
    return Ask(method, url, {"json": {resource: rows[0] if len(rows) == 1 else rows}})


def _segment(key: object) -> str:
    return quote(str(key), safe=":")


def _keep(progress: _Progress, batch: Numbered, answer: Answer) -> None:
    rows = page_of(answer.response, token=answer.token).rows
    by_id = {str(row.get("id")): row for row in rows}
    if len(rows) == len(batch) and all("id" not in row for _, row in batch):
        progress.rows.update((number, row) for (number, _), row in zip(batch, rows, strict=True))
        return
    for number, row in batch:
        if (found := by_id.get(str(row.get("id")))) is not None:
            progress.rows[number] = found
        else:
            # It was carried out as far as can be seen, and Actionstep does not show the row.
            progress.unknown.append(number)


def _stop(
    progress: _Progress,
    batches: list[Numbered],
    batch: Numbered,
    error: Exception,
    *,
    is_unknown: bool,
) -> None:
    progress.cause = error
    if is_unknown:
        progress.unknown += [number for number, _ in batch]
    else:
        batches.insert(0, batch)


def _failure(resource: str, progress: _Progress, left: list[int], total: int) -> PartialFailure:
    parts = [
        f"{len(progress.rows)} of {total} rows of {resource} were written",
        f"{len(progress.failed)} were refused" if progress.failed else "",
        f"{len(progress.unknown)} may have been written" if progress.unknown else "",
        f"{len(left)} were not sent" if left else "",
    ]
    return PartialFailure(
        f"{', '.join(part for part in parts if part)}.",
        done={number: row.get("id") for number, row in progress.rows.items()},
        failed=progress.failed,
        unknown=sorted(progress.unknown),
        left=sorted(left),
    )
