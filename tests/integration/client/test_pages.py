"""Walking pages, counting, and asking who one is, whatever shape Actionstep answers in."""

import asyncio
import pickle
import traceback
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import ApiError, UntrustedHost
from actionstep_connect.models import Connection
from tests.support.hostile_server import Answer, HostileServer, Request


def page(*ids: int, after: object = None, **paging: Any) -> Answer:
    """Return a page of these rows, with the link to the page that comes after."""
    paging = {"nextPage": after, **paging}
    rows = [{"id": number} for number in ids]
    return Answer(body={"timerecords": rows, "meta": {"paging": {"timerecords": paging}}})


def walk(connection: Connection, resource: str = "timerecords", **params: Any) -> list[Any]:
    """Walk with both clients, which do the same."""

    async def walk() -> list[Any]:
        async with AsyncActionstepClient(connection) as actionstep:
            return [row["id"] async for row in actionstep.aiterate(resource, **params)]

    if params.pop("by", "sync") == "async":
        return asyncio.run(walk())
    with ActionstepClient(connection) as actionstep:
        return [row["id"] for row in actionstep.iterate(resource, **params)]


def read(connection: Connection, what: str, *args: str, by: str, **params: Any) -> Any:
    """Call that method of one of the clients; an iterator is walked to its end."""

    async def read() -> Any:
        async with AsyncActionstepClient(connection) as actionstep:
            if what == "iterate":
                return [row async for row in actionstep.aiterate(*args, **params)]
            return await getattr(actionstep, what)(*args, **params)

    if by == "async":
        return asyncio.run(read())
    with ActionstepClient(connection) as actionstep:
        found = getattr(actionstep, what)(*args, **params)
        return list(found) if what == "iterate" else found


def query_of(request: Request) -> dict[str, str]:
    """Return the parameters that a request was sent with."""
    query = parse_qsl(urlsplit(request.target).query, keep_blank_values=True)
    assert len(query) == len(dict(query))
    return dict(query)


@pytest.fixture(params=["sync", "async"])
def by(request: pytest.FixtureRequest) -> str:
    """Name the client to walk with."""
    return str(request.param)


def test_pages_are_asked_for_as_they_are_needed(
    connection: Connection, server: HostileServer
) -> None:
    """Anyone who stops early has not paid for the rest."""
    server.script([page(1, 2, after=f"{server.url}/api/rest/timerecords?page=2"), page(3)])
    with ActionstepClient(connection) as actionstep:
        rows = actionstep.iterate("timerecords")
        assert server.requests == []
        assert [next(rows)["id"], next(rows)["id"]] == [1, 2]
        assert len(server.requests) == 1
        assert next(rows)["id"] == 3
    assert server.requests[0].target == "/api/rest/timerecords?pageSize=200"


@pytest.mark.parametrize(
    "link",
    [
        "https://ap-southeast-2.actionstep.com.actionstep.com/api/rest/timerecords?page=2&pageSize=200",
        "https://evil.example/api/rest/timerecords?page=2&pageSize=200",
        "http://user:password@127.0.0.1:1/api/rest/timerecords?page=2&pageSize=200",
        "/api/rest/timerecords?page=2&pageSize=200",
    ],
)
def test_the_host_of_a_link_is_not_believed(
    connection: Connection, server: HostileServer, by: str, link: str
) -> None:
    """Path and query lead on; the bearer stays at the connection's own API."""
    server.script([page(1, after=link), page(2)])
    assert walk(connection, by=by) == [1, 2]
    assert server.requests[1].target == "/api/rest/timerecords?page=2&pageSize=200"
    assert server.requests[1].headers["Host"] == server.host


@pytest.mark.parametrize("path", ["/elsewhere?page=2", "//evil.example/x", "/api/rest/../oauth"])
def test_s41_a_link_out_of_the_api_is_refused(
    connection: Connection, server: HostileServer, by: str, path: str
) -> None:
    """Nothing is sent to another part of the host either."""
    server.script([page(1, after=f"https://evil.example{path}")])
    with pytest.raises(UntrustedHost):
        walk(connection, by=by)
    assert len(server.requests) == 1


@pytest.mark.parametrize("link", [7, ["x"], "http://[", "/api/rest/time\x00records?page=2"])
def test_a_link_that_is_no_address_is_an_error(
    connection: Connection, server: HostileServer, link: object
) -> None:
    """Rows that cannot be reached are not passed over in silence."""
    server.script([page(1, after=link)])
    with pytest.raises((ApiError, UntrustedHost)):
        walk(connection)


@pytest.mark.parametrize("length", [1, 3])
def test_pages_that_lead_in_a_circle_are_an_error(
    connection: Connection, server: HostileServer, by: str, length: int
) -> None:
    """No one walks forever."""
    link = "/api/rest/timerecords?page={}&pageSize=200"
    server.script([page(n, after=link.format(n % length + 2)) for n in range(20)])
    with pytest.raises(ApiError, match="read already"):
        walk(connection, by=by)
    assert len(server.requests) <= length + 2


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (Answer(status=204), []),
        (Answer(body={"timerecords": {"id": 1}}), [1]),
        (Answer(body={"timerecords": [{"id": 1}, {"id": 2}]}), [1, 2]),
        (Answer(body={"timerecords": []}), []),
        (Answer(body={"timerecords": None, "meta": None}), []),
        (Answer(body={"links": {}, "linked": {}, "meta": {"paging": []}}), []),
        (Answer(body={}), []),
        (Answer(body=""), []),
    ],
    ids=["204", "object", "array", "empty array", "null", "beside", "no member", "empty"],
)
def test_every_shape_gives_rows(
    connection: Connection, server: HostileServer, by: str, answer: Answer, ids: list[int]
) -> None:
    """One row is an object, several are an array, none is 204."""
    server.answer(**vars(answer))
    assert walk(connection, by=by) == ids
    with ActionstepClient(connection) as actionstep:
        assert actionstep.count("timerecords") == len(ids)


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        '"text"',
        "{",
        "[" * 100_000,
        '{"error": "expired", "timerecords": []}',
        '{"message": "API rate limit exceeded"}',
        '{"meta": {}, "actions": [{"id": 1}]}',
        '{"timerecords": "none"}',
        '{"timerecords": [1]}',
    ],
)
@pytest.mark.parametrize("what", ["iterate", "count"])
def test_an_answer_that_is_no_page_is_an_error(
    connection: Connection, server: HostileServer, by: str, what: str, body: str
) -> None:
    """A success that holds something else is not taken for no rows."""
    server.answer(body=body)
    with pytest.raises(ApiError):
        read(connection, what, "timerecords", by=by)


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("what", ["iterate", "count", "current_user"])
def test_a_redirect_is_no_page(
    connection: Connection, server: HostileServer, by: str, what: str, status: int
) -> None:
    """It is not followed, and not taken for no rows either."""
    server.answer(status=status, headers={"Location": f"{server.url}/api/rest/timerecords?page=1"})
    with pytest.raises(ApiError, match=f"is a redirect \\({status}\\)") as caught:
        read(connection, what, *(["timerecords"] if what != "current_user" else []), by=by)
    assert caught.value.status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("second", [Answer(status=302), Answer(body={"message": "Slow down"})])
def test_a_walk_is_not_cut_short_in_silence(
    connection: Connection, server: HostileServer, by: str, second: Answer
) -> None:
    """A page that is none is an error after a good one too."""
    server.script([page(1, after="/api/rest/timerecords?page=2"), second])
    with pytest.raises(ApiError):
        walk(connection, by=by)
    assert len(server.requests) == 2


def test_several_ids_are_rows_of_their_resource(
    connection: Connection, server: HostileServer, by: str
) -> None:
    """Ids joined by commas are part of the address, and not of the name."""
    server.answer(**vars(page(1, 2)))
    assert walk(connection, "timerecords/1,2", by=by) == [1, 2]
    assert walk(connection, "/timerecords/", by=by) == [1, 2]


def test_parameters_of_ones_own_are_kept_on_every_page(
    connection: Connection, server: HostileServer
) -> None:
    """Parameters of a call are in Actionstep's link; those of the client are added to it."""
    link = "/api/rest/timerecords?fields%5Btimerecords%5D=id&page=2&pageSize=50"
    server.script([page(1, after=link), page(2)])
    with ActionstepClient(connection, params={"include": "action"}) as actionstep:
        rows = actionstep.iterate("timerecords", pageSize=50, **{"fields[timerecords]": "id"})
        assert [row["id"] for row in rows] == [1, 2]
    first, second = (request.target.partition("?")[2].split("&") for request in server.requests)
    assert set(first) == {"include=action", "pageSize=50", "fields%5Btimerecords%5D=id"}
    assert set(second) == {*first, "page=2"}


@pytest.mark.parametrize(("what", "found"), [("iterate", [{"id": 1}]), ("count", 1)])
@pytest.mark.parametrize("resource", ["timerecords", "/timerecords/1,2/", "{base}timerecords"])
def test_a_query_in_the_address_selects_rows_too(
    connection: Connection,
    server: HostileServer,
    by: str,
    what: str,
    found: object,
    resource: str,
) -> None:
    """It is sent, with the parameters, of which those win; and it is no part of the rows' name."""
    server.answer(**vars(page(1)))
    resource = resource.format(base=f"{server.url}/api/rest/") + "?isBillable=T&sort=id"
    assert read(connection, what, resource, by=by, sort="-id", action=7) == found
    size = "200" if what == "iterate" else "1"
    expected = {"isBillable": "T", "sort": "-id", "action": "7", "pageSize": size}
    assert query_of(server.requests[0]) == expected


def test_a_page_size_in_the_address_is_believed(
    connection: Connection, server: HostileServer, by: str
) -> None:
    """200 is what is asked for where the caller says nothing."""
    server.answer(**vars(page(1)))
    assert walk(connection, "timerecords?pageSize=7", by=by) == [1]
    assert server.requests[0].target == "/api/rest/timerecords?pageSize=7"


@pytest.mark.parametrize("what", ["iterate", "count"])
def test_booleans_and_none_go_out_as_actionstep_reads_them(
    connection: Connection, server: HostileServer, by: str, what: str
) -> None:
    """True is "T", False is "F", a number stays one, and None is no filter at all."""
    server.answer(**vars(page(1)))
    read(
        connection,
        what,
        "timerecords",
        by=by,
        isBillable=True,
        isBilled=[False],
        action=1,
        rate=None,
    )
    query = query_of(server.requests[0])
    del query["pageSize"]
    assert query == {"isBillable": "T", "isBilled": "F", "action": "1"}


def test_a_count_that_is_no_number_is_an_error(
    connection: Connection, server: HostileServer
) -> None:
    """A count is a number or an error."""
    server.script(
        [page(1, recordCount="480"), page(1, recordCount="many"), page(1, recordCount=[])]
    )
    with ActionstepClient(connection) as actionstep:
        assert actionstep.count("timerecords") == 480
        for _ in range(2):
            with pytest.raises(ApiError):
                actionstep.count("timerecords")


def test_no_user_is_an_error(connection: Connection, server: HostileServer) -> None:
    """Anyone who asks who they are gets a user."""
    server.script([Answer(body={"users": {"id": 7}}), Answer(status=204)])
    with ActionstepClient(connection) as actionstep:
        assert actionstep.current_user() == {"id": 7}
        with pytest.raises(ApiError):
            actionstep.current_user()


READS = [("iterate", "timerecords"), ("count", "timerecords"), ("current_user",)]
ECHOES = {
    "error": {"error": "invalid_token", "error_description": "token an-access-token expired"},
    "errors": {"errors": [{"code": "an-access-token", "title": "an-access-token"}]},
    "text": '"an-access-token"',
    "message": {"message": "token an-access-token expired"},
    "rows": {"timerecords": "an-access-token", "users": ["an-access-token"]},
    "link": page(after=["an-access-token"]).body,
    "count": page(recordCount="an-access-token").body,
}


@pytest.mark.parametrize(
    ("what", "echo"),
    [
        *(
            (what, echo)
            for what in READS
            for echo in ("error", "errors", "text", "message", "rows")
        ),
        (READS[0], "link"),
        (READS[1], "count"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_s39_a_success_that_echoes_the_token_gives_it_to_no_error(
    connection: Connection, server: HostileServer, by: str, what: tuple[str, ...], echo: str
) -> None:
    """Neither what an error says or holds, nor the variables of its frames, has the bearer in it."""
    server.answer(body=ECHOES[echo])
    with pytest.raises(ApiError) as caught:
        read(connection, *what, by=by)
    assert server.requests[0].headers["Authorization"] == "Bearer an-access-token"
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "an-access-token" not in "".join(frames.format()) + repr(vars(caught.value))
    assert b"an-access-token" not in pickle.dumps(vars(caught.value))
