"""GET: shapes, pages, filters, order, members and linked rows (docs/sandbox.md: REST API)."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, rows


def test_include_follows_links_of_links(application: Application) -> None:
    """``include=action.assignedTo`` brings both."""
    response = application.api(
        application.issued(), "timerecords?pageSize=5&include=owner,action.assignedTo"
    )
    linked = response.json()["linked"]
    assert {"participants", "actions"} == set(linked)
    assert linked["actions"][0]["name"]
    assert application.api(application.issued(), "timerecords?include=nothing").status_code == 400


def test_one_row_is_an_object_several_are_an_array_none_is_204(application: Application) -> None:
    """The three shapes of an answer."""
    tokens = application.issued()
    one = application.api(tokens, "timerecords?id=7")
    several = application.api(tokens, "timerecords?pageSize=2")
    none = application.api(tokens, "timerecords?id=999999")
    assert isinstance(one.json()["timerecords"], dict)
    assert isinstance(several.json()["timerecords"], list)
    assert (none.status_code, none.content) == (204, b"")


def test_several_ids_are_joined_by_commas(application: Application) -> None:
    """``3,5`` gives both; one id gives an object; an unknown one is 404."""
    tokens = application.issued()
    assert [row["id"] for row in rows(application.api(tokens, "actions/3,5"), "actions")] == [3, 5]
    assert application.api(tokens, "actions/3").json()["actions"]["id"] == 3
    assert application.api(tokens, "actions/99999").status_code == 404
    assert application.api(tokens, "nonsense").status_code == 404


@pytest.mark.parametrize("more", [1000, 1_000_000, 10**30])
def test_pages_are_50_rows_and_200_at_most(application: Application, more: int) -> None:
    """More than 200 is cut down without an error; ``meta.paging`` tells the truth."""
    tokens = application.issued()
    default = application.api(tokens, "timerecords").json()
    most = application.api(tokens, f"timerecords?pageSize={more}").json()
    assert len(default["timerecords"]) == 50
    assert len(most["timerecords"]) == 200
    paging = most["meta"]["paging"]["timerecords"]
    assert paging["recordCount"] == 480
    assert (paging["pageCount"], paging["page"], paging["pageSize"]) == (3, 1, 200)
    assert paging["prevPage"] is None


def test_pages_know_their_neighbours_and_past_the_last_is_nothing(
    application: Application,
) -> None:
    """``prevPage`` and ``nextPage`` are null at the ends; a page past the last one is 204."""
    tokens = application.issued()
    last = application.api(tokens, "timerecords?pageSize=100&page=5&id_gt=20").json()
    paging = last["meta"]["paging"]["timerecords"]
    assert paging["nextPage"] is None
    assert "page=4" in paging["prevPage"]
    assert "id_gt=20" in paging["prevPage"]
    for past in (4, 9_999_999, "9" * 30, "9" * 5000):
        beyond = application.api(tokens, f"timerecords?pageSize=200&page={past}")
        assert (beyond.status_code, beyond.content) == (204, b"")


def test_next_page_is_a_full_url_that_leads_through_all_rows(
    sandbox: Sandbox, application: Application
) -> None:
    """Following ``nextPage`` shows every row once, the query kept."""
    tokens, seen, path = application.issued(), [], "timerecords?pageSize=200&sort=-id"
    while path:
        document = application.api(tokens, path).json()
        seen += [row["id"] for row in document["timerecords"]]
        following = document["meta"]["paging"]["timerecords"]["nextPage"]
        assert following is None or following.startswith(f"{sandbox.url}/api/rest/")
        path = following and following.partition("/rest/")[2]
    assert seen == list(range(480, 0, -1))


def test_links_can_have_a_broken_host(sandbox: Sandbox, application: Application) -> None:
    """A broken host is an option, since some have seen it."""
    sandbox.post("sandbox/options", broken_links=True)
    document = application.api(application.issued(), "timerecords").json()
    following = document["meta"]["paging"]["timerecords"]["nextPage"]
    assert urlsplit(following).netloc == f"{sandbox.host}.{sandbox.host}"


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("billableHours=0", lambda row: row["billableHours"] == 0),
        ("actualHours_gt=1.5", lambda row: row["actualHours"] > 1.5),
        ("startTimestamp_gteq=2026-10-25", lambda row: row["startTimestamp"] >= "2026-10-25T10:00"),
        ("id_lt=20&id_gt=10", lambda row: 10 < row["id"] < 20),
        ("notes_ilike=*SETTLE*", lambda row: "settle" in row["notes"].lower()),
        ("action=12", lambda row: row["links"]["action"] == "12"),
        ("rate_nteq=1", lambda row: row["links"]["rate"] != "1"),
    ],
)
def test_filters_narrow_the_rows(application: Application, query: str, holds: Any) -> None:
    """Each kind of filter gives some rows, only fitting ones, and not all."""
    found = application.api(application.issued(), f"timerecords?pageSize=200&{query}")
    listed = rows(found, "timerecords")
    assert listed
    assert all(holds(row) for row in listed)
    assert found.json()["meta"]["paging"]["timerecords"]["recordCount"] < 480


@pytest.mark.parametrize(
    "path",
    [
        "timerecords?nonsense=1",
        "tasks?hasTriggerDate=true",
        "timerecords?startTimestamp=soon",
        "timerecords?startTimestamp_ilike=2026*",
        "timerecords?action_gt=5",
        "timerecords?actualHours_noteq=1",
        "timerecords?createdTimestamp=0001-01-01T00:00:00%2B14:00",
        "timerecords?page=0",
        "timerecords?pageSize=%C2%B2",
        "timerecords?sort=nonsense",
        "users?isCurrent=T",
        "users?isCurrent_ilike=*T*",
        "timerecords?include=nope",
        "timerecords?include=nope&id=0",
        "timerecords?include=action.nope&id=0",
        "users/current?nonsense=1",
        "users/current?include=nope",
        "timerecords/1,2?actualHours=much",
    ],
)
def test_a_query_that_makes_no_sense_is_400(application: Application, path: str) -> None:
    """Unknown filters, wrong values and impossible pages are named in a 400."""
    response = application.api(application.issued(), path)
    assert response.status_code == 400
    assert response.json()["errors"]["status"] == 400


def test_filters_and_order_are_for_rows_by_their_ids_too(application: Application) -> None:
    """What narrows and sorts a list does so to several ids; none left is 404."""
    tokens = application.issued()
    found = rows(application.api(tokens, "timerecords/1,2,3?id_gt=1&sort=-id"), "timerecords")
    assert [row["id"] for row in found] == [3, 2]
    assert application.api(tokens, "timerecords/1?id=2").status_code == 404
    assert application.api(tokens, "users/current?id=0").status_code == 404


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_number_beyond_all_is_a_number_that_no_row_has(
    application: Application, digits: int
) -> None:
    """However many digits come, nothing is found under them, and what is smaller is."""
    tokens, number = application.issued(), "9" * digits
    nothing: dict[str, Any] = {"timerecords": {}}
    for missing in (
        application.api(tokens, f"timerecords/{number}"),
        application.api(tokens, f"timerecords/{number},{number}"),
        application.api(tokens, f"timerecords/{number}", "PUT", json=nothing),
    ):
        assert (missing.status_code, missing.json()["errors"]["status"]) == (404, 404)
    assert application.api(tokens, f"timerecords/1,{number}").json()["timerecords"]["id"] == 1
    assert application.api(tokens, f"timerecords?id={number}").status_code == 204
    assert application.api(tokens, f"timerecords?id_lt={number}").status_code == 200
    body = {"timerecords": {"links": {"action": number}}}
    nowhere = application.api(tokens, "timerecords/1", "PUT", json=body)
    assert nowhere.json()["errors"]["detail"] == "links.action leads nowhere."


def test_fields_select_members(application: Application) -> None:
    """``fields`` names the members wanted, ``fields[resource]`` those of linked rows."""
    path = "timerecords?pageSize=2&fields=notes,action&include=action&fields[actions]=name"
    document = application.api(application.issued(), path).json()
    assert all(set(row) == {"id", "notes", "links"} for row in document["timerecords"])
    assert all(set(row["links"]) == {"action"} for row in document["timerecords"])
    assert all(set(row) == {"id", "name"} for row in document["linked"]["actions"])


OFFICIAL = (
    (
        "actions?include=actionType,assignedTo"
        "&fields[actions]=id,name,status,modifiedTimestamp,actionType,assignedTo"
        "&fields[actiontypes]=id,name&fields[participants]=id,displayName"
        "&page=1&pageSize=50&sort=-modifiedTimestamp"
    ),
    "actions?fields=id,name&status_nteq=Closed",
    "actiontypes?fields=id,name",
    (
        "filenotes?include=action&source_nteq=System&page=1&pageSize=20&sort=-enteredTimestamp"
        "&fields[filenotes]=id,enteredTimestamp,text,enteredBy,action&fields[actions]=id,name"
    ),
    "actiondocuments?page=1&pageSize=50",
    "resthooks?page=1&pageSize=50",
    "users/current?include=participant&fields[participants]=id,firstName,lastName",
)


@pytest.mark.parametrize("query", [*OFFICIAL, f"{OFFICIAL[3]}&text_ilike=*lease*"])
def test_the_queries_of_the_official_client_work(application: Application, query: str) -> None:
    """Each gives rows with the members that it names, and the linked rows that it includes."""
    resource = query.partition("?")[0].partition("/")[0]
    answer = application.api(application.issued(), query)
    found = rows(answer, resource)
    assert found
    paging = answer.json()["meta"]["paging"][resource]
    assert paging["recordCount"] >= len(found)
    if "include=" in query:
        assert all(linked for linked in answer.json()["linked"].values())


def test_the_official_list_of_matters_is_as_asked(application: Application) -> None:
    """Members, order and linked rows are those that the query names, and no others."""
    document = application.api(application.issued(), OFFICIAL[0]).json()
    stamps = [row["modifiedTimestamp"] for row in document["actions"]]
    assert stamps == sorted(stamps, reverse=True)
    for row in document["actions"]:
        assert set(row) == {"id", "name", "status", "modifiedTimestamp", "links"}
        assert set(row["links"]) == {"actionType", "assignedTo"}
    assert {frozenset(row) for row in document["linked"]["actiontypes"]} == {
        frozenset({"id", "name"})
    }
    assert {frozenset(row) for row in document["linked"]["participants"]} == {
        frozenset({"id", "displayName"})
    }
    system = application.api(application.issued(), OFFICIAL[3]).json()["filenotes"]
    assert all(row["text"] != "Step changed." for row in system)


@pytest.mark.parametrize(
    ("resource", "query", "holds"),
    [
        ("tasks", "status_in=Complete,Hidden", lambda row: row["status"] in ("Complete", "Hidden")),
        ("tasks", "status_ntin=Complete,Hidden", lambda row: row["status"] == "Incomplete"),
        ("tasks", "id_in=3,5", lambda row: row["id"] in (3, 5)),
        ("tasks", "action=1,2,3", lambda row: row["links"]["action"] in ("1", "2", "3")),
        ("tasks", "action_ntin=1,2,3", lambda row: row["links"]["action"] not in ("1", "2", "3")),
        ("tasks", "template=", lambda row: row["links"]["template"] is None),
        ("tasks", "completedTimestamp=", lambda row: row["completedTimestamp"] is None),
        ("tasks", "name_ilike=*TITLE*", lambda row: "title" in row["name"]),
        ("tasks", "action[id_eq]=7", lambda row: row["links"]["action"] == "7"),
        ("actions", "primaryParticipants_nteq=5", lambda row: "5" not in row["links"]),
        ("actionparticipants", "participantType=31", lambda row: "--31--" in row["id"]),
        ("participants", "isCompany=T", lambda row: row["companyName"]),
        ("datacollectionfields", "dataCollection[multipleRecords_eq]=F", lambda row: True),
        (
            "datacollectionrecordvalues",
            "last_modified_time_stamp_gt=2026-09-01T00:00:00Z",
            lambda row: row["last_modified_time_stamp"] > "2026-09-01",
        ),
        (
            "actions",
            "modifiedTimestamp_gteq=2026-10-01T00:00:00%2B10:00",
            lambda row: row["modifiedTimestamp"] >= "2026-10-01",
        ),
    ],
)
def test_the_operators_that_clients_use_narrow_the_rows(
    application: Application, resource: str, query: str, holds: Any
) -> None:
    """`_eq _nteq _in _ntin _gt _gteq _ilike`, for members, links and members of linked rows."""
    tokens = application.issued("priya", orgkey="acmelaw")
    found = application.api(tokens, f"{resource}?pageSize=200&{query}")
    everything = application.api(tokens, f"{resource}?pageSize=1").json()
    assert rows(found, resource)
    assert all(holds(row) for row in rows(found, resource))
    counts = [one["meta"]["paging"][resource]["recordCount"] for one in (found.json(), everything)]
    assert counts[0] < counts[1] or "primaryParticipants" in query


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ("action[actionType]=7", "filter=action.actionType = 7"),
        ("actions[status_eq]=Active", "filter=action.status = 'Active'"),
        (
            "action=7&status=Incomplete",
            "filter=action = 7 AND status = 'Incomplete'",
        ),
        (
            "action[actionType][name]=Lease",
            "filter=action.actionType.name = 'Lease'",
        ),
    ],
)
def test_a_filter_expression_means_what_the_brackets_mean(
    application: Application, query: str, same: str
) -> None:
    """Both ways to ask about linked rows give the same ones, and some of all."""
    tokens = application.issued("priya", orgkey="acmelaw")
    one, other = (application.api(tokens, f"tasks?pageSize=200&{way}") for way in (query, same))
    assert rows(one, "tasks")
    assert rows(one, "tasks") == rows(other, "tasks")
    assert one.json()["meta"]["paging"]["tasks"]["recordCount"] < 620


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "action",
        "action = ",
        "action = 7 OR action = 8",
        "nope = 1",
        "action.nope = 1",
        "a = 'b",
    ],
)
def test_a_filter_expression_that_makes_no_sense_is_400(
    application: Application, expression: str
) -> None:
    """What cannot be read, and what the facts do not know, is named."""
    answer = application.api(application.issued(), "tasks", params={"filter": expression})
    assert answer.status_code == 400
    assert answer.json()["errors"]["source"]["parameter"] == "filter"


def test_some_members_come_only_when_asked_for(application: Application) -> None:
    """``:default`` stands for what comes anyway; ``file`` is not among it."""
    tokens = application.issued()
    plain = application.api(tokens, "actiondocuments/1").json()["actiondocuments"]
    more = application.api(tokens, "actiondocuments/1?fields=:default,file").json()
    assert more["actiondocuments"] == {
        **plain,
        "file": f"DL::Actions::{plain['links']['action']}::1",
    }


def test_timestamps_have_the_organisations_offset(application: Application) -> None:
    """Two firms, two offsets; a filter value without one is UTC."""
    for orgkey, offset in (("acmelaw", "+10:00"), ("harbourlegal", "+08:00")):
        tokens = application.issued("priya", orgkey=orgkey)
        row = application.api(tokens, "tasks/5").json()["tasks"]
        assert row["dueTimestamp"].endswith(f"T17:00:00{offset}")
        utc = f"{row['dueTimestamp'][:10]}T{17 - int(offset[1:3]):02}:00:00"
        found = rows(application.api(tokens, f"tasks?id=5&dueTimestamp={utc}"), "tasks")
        assert [one["id"] for one in found] == [5]


def test_rows_are_sorted_by_several_members_and_links(application: Application) -> None:
    """Each in its own direction; ids decide what is equal."""
    tokens = application.issued()
    found = rows(application.api(tokens, "tasks?pageSize=200&sort=status,-action"), "tasks")
    ranks = [(row["status"], -int(row["links"]["action"]), row["id"]) for row in found]
    assert ranks == sorted(ranks)
