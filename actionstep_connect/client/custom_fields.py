"""A matter's custom fields, as a mapping: in Actionstep four resources, and one value has a composite id.

`datacollections` are the groups of fields of a type of matter, `datacollectionfields` their fields,
`datacollectionrecords` what a matter has of a group, and `datacollectionrecordvalues` the values, as text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from actionstep_connect.client.answers import MAX_PAGE, Page, Row, page_of
from actionstep_connect.client.conversation import Ask, Steps
from actionstep_connect.client.values import as_text

#: What `multipleRecords` says of a collection of which a matter may have several records.
MANY = "T"


def read(matter: int | str) -> Steps[dict[str, Any]]:
    """Return the fields of a matter by collection and name.

    A collection that may have several records is a list of mappings; a field without a value is None.
    """
    collections, fields = yield from _described(matter)
    records = yield from _records(matter)
    values = yield from _values(matter)
    by_record: dict[str, dict[str, Any]] = {}
    for value in values:
        links = value["links"]
        record = by_record.setdefault(str(links["dataCollectionRecord"]), {})
        record[str(links["dataCollectionField"])] = value.get("stringValue")
    found: dict[str, Any] = {}
    for key, collection in collections.items():
        names = fields.get(key, {})
        filled = [
            {name: by_record.get(str(record["id"]), {}).get(field) for name, field in names.items()}
            for record in records
            if str(record["links"]["dataCollection"]) == key
        ]
        empty = dict.fromkeys(names)
        is_many = collection.get("multipleRecords") == MANY
        found[collection["name"]] = filled if is_many else filled[0] if filled else empty
    return found


def write(matter: int | str, values: Mapping[str, Mapping[str, Any]]) -> Steps[None]:
    """Write values by collection and field; what is not named stays as it is.

    Raises KeyError for a name that this type of matter does not have, ValueError for a collection that may
    have several records, and TypeError or ValueError for what is no value, before anything is written.
    """
    texts = {
        name: {field: _text(value, f"{name}.{field}") for field, value in given.items()}
        for name, given in values.items()
    }
    collections, fields = yield from _described(matter)
    keys = {collection["name"]: key for key, collection in collections.items()}
    for name, given in texts.items():
        _check(name, given, keys, collections, fields)
    records = yield from _records(matter)
    there = yield from _values(matter)
    known = {str(value["id"]) for value in there}
    for name, given in texts.items():
        key = keys[name]
        mine = [row for row in records if str(row["links"]["dataCollection"]) == key]
        record = mine[0] if mine else (yield from _make_record(matter, key))
        for field, value in given.items():
            yield from _write_value(matter, key, fields[key][field], record, value, known)


def _described(matter: int | str) -> Steps[tuple[dict[str, Row], dict[str, dict[str, str]]]]:
    """Return the collections of the matter's type by id, and the ids of their fields by name."""
    answer = yield Ask("GET", f"actions/{matter}")
    row = _one(page_of(answer.response, token=answer.token), links=("actionType",))
    params = {"actionType": row["links"]["actionType"], "sort": "order"}
    collections = yield from _all("datacollections", params, members=("name",))
    by_id = {str(collection["id"]): collection for collection in collections}
    fields: dict[str, dict[str, str]] = {}
    if by_id:
        params = {"dataCollection": ",".join(by_id), "sort": "formOrder"}
        links = ("dataCollection",)
        for field in (yield from _all("datacollectionfields", params, ("name",), links)):
            key = str(field["links"]["dataCollection"])
            fields.setdefault(key, {})[field["name"]] = str(field["id"])
    return by_id, fields


def _check(
    name: str,
    given: Mapping[str, Any],
    keys: Mapping[str, str],
    collections: Mapping[str, Row],
    fields: Mapping[str, Mapping[str, str]],
) -> None:
    if name not in keys:
        raise KeyError(f"This type of matter has no collection {name!r}; it has {_listed(keys)}.")
    if collections[keys[name]].get("multipleRecords") == MANY:
        raise ValueError(
            f"{name!r} may have several records: write datacollectionrecordvalues of the one meant."
        )
    known = fields.get(keys[name], {})
    if unknown := sorted(given.keys() - known.keys()):
        raise KeyError(f"{name!r} has no field {unknown[0]!r}; it has {_listed(known)}.")


def _make_record(matter: int | str, collection: str) -> Steps[Row]:
    links = {"action": str(matter), "dataCollection": collection}
    body = {"json": {"datacollectionrecords": {"links": links}}}
    answer = yield Ask("POST", "datacollectionrecords", body)
    return _one(page_of(answer.response, token=answer.token))


def _write_value(
    matter: int | str, collection: str, field: str, record: Row, value: str, known: set[str]
) -> Steps[None]:
    key = f"{field}--{record['id']}"
    row: Row = {"stringValue": value}
    if key in known:
        yield Ask("PUT", f"datacollectionrecordvalues/{key}", {"json": _named(row)})
        return
    row["links"] = {
        "action": str(matter),
        "dataCollection": collection,
        "dataCollectionField": field,
        "dataCollectionRecord": str(record["id"]),
    }
    yield Ask("POST", "datacollectionrecordvalues", {"json": _named(row)})


def _text(value: object, place: str) -> str:
    return "" if value is None else as_text(value, place)


def _named(row: Row) -> Row:
    return {"datacollectionrecordvalues": row}


def _records(matter: int | str) -> Steps[Sequence[Row]]:
    params = {"action": matter, "sort": "id"}
    return _all("datacollectionrecords", params, links=("dataCollection",))


def _values(matter: int | str) -> Steps[Sequence[Row]]:
    links = ("dataCollectionField", "dataCollectionRecord")
    return _all("datacollectionrecordvalues", {"action": matter}, links=links)


def _all(
    resource: str, params: Mapping[str, Any], members: Sequence[str] = (), links: Sequence[str] = ()
) -> Steps[Sequence[Row]]:
    """Return all rows. Raises ApiError where one lacks its id, one of `members`, or one of `links`."""
    rows: list[Row] = []
    number, before = 1, None
    while True:
        query = {**params, "pageSize": MAX_PAGE, "page": number}
        answer = yield Ask("GET", resource, {"params": query})
        page = page_of(answer.response, token=answer.token)
        if page.rows == before:
            raise page.unusable("names a next page that was read already")
        rows += _complete(page, members, links)
        if page.is_last:
            return rows
        number, before = number + 1, page.rows


def _one(page: Page, links: Sequence[str] = ()) -> Row:
    rows = _complete(page, (), links)
    if len(rows) != 1:
        raise page.unusable(f"has {len(rows)} rows, and one was asked for")
    return rows[0]


def _complete(page: Page, members: Sequence[str], links: Sequence[str]) -> list[Row]:
    for row in page.rows:
        linked = row.get("links")
        found = linked if isinstance(linked, dict) else {}
        lacking = [*({"id", *members} - row.keys()), *(set(links) - found.keys())]
        if lacking:
            raise page.unusable(f"has a row without {min(lacking)}")
    return page.rows


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(sorted(names)) or "none"
