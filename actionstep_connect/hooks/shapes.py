"""The bodies of Actionstep's calls: which rows they name. Three shapes were recorded.

A document of JSON:API 1.0 (with names of relationships in camel case or in snake case), and what a
GET answers: rows, one or several, under the name of their resource.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

#: Bytes. What Actionstep sends is some kilobytes.
MAX_BODY_SIZE = 1_048_576
MAX_ROWS = 500
#: What can stand in an address of the API as it is. Ids are numbers, or joined as `7--3`, `7::3`.
_ROW_ID = re.compile(r"[A-Za-z0-9][\w.:-]{0,99}", re.ASCII)
_RESOURCE = re.compile(r"[a-z]{1,60}")
_BESIDE_ROWS = frozenset({"links", "linked", "meta"})


class Hint(NamedTuple):
    """A row that a call names, and what the call says of it."""

    resource: str
    row_id: str
    payload: Mapping[str, Any]


class ShapelessError(ValueError):
    """A body that names no row in any known shape."""


def read_body(body: bytes, *, resource: str | None) -> list[Hint]:
    """Return the rows that a body names; `resource` is what the event is about, where that is known.

    Raises ShapelessError.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ShapelessError("It is not JSON.") from None
    if not isinstance(document, dict):
        raise ShapelessError("It is not a JSON object.")
    hints = _of_json_api(document) if "data" in document else _as_answered(document)
    if not 0 < len(hints) <= MAX_ROWS:
        raise ShapelessError(f"It names {len(hints)} rows.")
    if any(resource not in (None, hint.resource) for hint in hints):
        raise ShapelessError("It names rows of another resource than its event is about.")
    return hints


def _of_json_api(document: Mapping[str, Any]) -> list[Hint]:
    data = document["data"]
    return [
        _hint(each, _member(each, "type")) for each in (data if isinstance(data, list) else [data])
    ]


def _as_answered(document: Mapping[str, Any]) -> list[Hint]:
    names = document.keys() - _BESIDE_ROWS
    if len(names) != 1:
        raise ShapelessError("It does not say what its rows are.")
    [name] = names
    rows = document[name]
    return [_hint(row, name) for row in (rows if isinstance(rows, list) else [rows])]


def _hint(row: object, resource: object) -> Hint:
    key = _member(row, "id")
    row_id = str(key) if isinstance(key, int | str) and not isinstance(key, bool) else ""
    if not (isinstance(resource, str) and _RESOURCE.fullmatch(resource)):
        raise ShapelessError("It names no resource.")
    if not _ROW_ID.fullmatch(row_id):
        raise ShapelessError("It names no row.")
    return Hint(resource, row_id, row if isinstance(row, dict) else {})


def _member(row: object, name: str) -> object:
    return row.get(name) if isinstance(row, dict) else None
