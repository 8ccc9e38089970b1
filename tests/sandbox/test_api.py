"""The REST API (docs/sandbox.md: REST API, Scopes)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from actionstep_connect.testing import Sandbox
from tests.sandbox.visitor import Application

MEDIA_TYPE = "application/vnd.api+json"
TIME_RECORD = {
    "entryDate": "2026-11-02",
    "quantity": 1.5,
    "description": "Drafting",
    "links": {"action": "12"},
}


def rows(response: Any, resource: str) -> list[dict[str, Any]]:
    """Return the rows of an answer, whatever its shape."""
    assert response.status_code in (200, 201, 204), response.text
    found = response.json()[resource] if response.content else []
    return found if isinstance(found, list) else [found]


def test_users_current_is_the_authorizing_user(application: Application) -> None:
    """``users/current`` is one object: the user behind the token."""
    response = application.api(application.issued("tom"), "users/current")
    assert response.headers["Content-Type"] == MEDIA_TYPE
    user = response.json()["users"]
    assert user["emailAddress"] == "tom@acmelaw.example"
    assert user["isCurrent"] == "T"
    assert "linked" not in response.json()


def test_include_brings_linked_rows_of_granted_scopes_only(application: Application) -> None:
    """``include=participant`` brings the name if ``participants`` was granted, else nothing."""
    path = "users/current?include=participant"
    with_scope = application.api(application.issued("tom", "users participants"), path).json()
    [participant] = with_scope["linked"]["participants"]
    assert participant["displayName"] == "Tom Okafor"
    assert str(participant["id"]) == with_scope["users"]["links"]["participant"]
    without = application.api(application.issued("tom", "users"), path)
    assert "linked" not in without.json()


def test_include_follows_links_of_links(application: Application) -> None:
    """``include=action.assignedTo`` brings both."""
    response = application.api(
        application.issued(), "timerecords?pageSize=5&include=participant,action.assignedTo"
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
        ("isBillable=F", lambda row: row["isBillable"] == "F"),
        ("isBillable_eq=T", lambda row: row["isBillable"] == "T"),
        ("entryDate_gteq=2026-10-25", lambda row: row["entryDate"] >= "2026-10-25"),
        ("id_lt=20&id_gt=10", lambda row: 10 < row["id"] < 20),
        ("description_ilike=*SETTLE*", lambda row: "settle" in row["description"].lower()),
        ("action=12", lambda row: row["links"]["action"] == "12"),
        ("rate_noteq=180", lambda row: row["rate"] != 180),
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
        "timerecords?isBillable=true",
        "timerecords?entryDate=soon",
        "timerecords?entryDate_ilike=2026*",
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
        "timerecords/1,2?isBillable=true",
    ],
)
def test_a_query_that_makes_no_sense_is_400(application: Application, path: str) -> None:
    """Unknown filters, wrong values and impossible pages are named in a 400."""
    response = application.api(application.issued(), path)
    assert response.status_code == 400
    assert response.json()["errors"]["status"] == "400"


def test_a_query_that_makes_no_sense_writes_nothing(application: Application) -> None:
    """It is refused before a row is added, changed or deleted."""
    tokens, body = application.issued(), {"timerecords": TIME_RECORD}
    for method, path in (("POST", ""), ("PUT", "/1"), ("DELETE", "/1")):
        more = {} if method == "DELETE" else {"json": body}
        for query in ("nonsense=1", "include=nope"):
            refused = application.api(tokens, f"timerecords{path}?{query}", method, **more)
            assert refused.status_code == 400
    assert application.api(tokens, "timerecords/481").status_code == 404
    first = application.api(tokens, "timerecords/1").json()["timerecords"]
    assert first["description"] != TIME_RECORD["description"]


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
        assert (missing.status_code, missing.json()["errors"]["status"]) == (404, "404")
    assert application.api(tokens, f"timerecords/1,{number}").json()["timerecords"]["id"] == 1
    assert application.api(tokens, f"timerecords?id={number}").status_code == 204
    assert application.api(tokens, f"timerecords?id_lt={number}").status_code == 200
    body = {"timerecords": {"links": {"action": number}}}
    nowhere = application.api(tokens, "timerecords/1", "PUT", json=body)
    assert nowhere.json()["errors"]["detail"] == "links.action leads nowhere."


@pytest.mark.parametrize("path", ["", "timerecords//", "timerecords/1/extra"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_does_not_exist_is_404_as_other_errors_are(
    application: Application, path: str, method: str
) -> None:
    """Whatever is below ``/api/rest/`` has the shape of the API."""
    response = application.api(application.issued(), path, method)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.json()["errors"]["status"] == "404"


def test_several_errors_are_a_list(application: Application) -> None:
    """One error is an object, several are a list."""
    response = application.api(application.issued(), "timerecords?nonsense=1&isBillable=maybe")
    assert len(response.json()["errors"]) == 2


def test_one_error_may_come_as_a_list_too(sandbox: Sandbox, application: Application) -> None:
    """A list with one error in it is an option."""
    sandbox.change_options(errors_as_list=True)
    response = application.api(application.issued(), "nonsense")
    assert response.headers["Content-Type"] == MEDIA_TYPE
    [error] = response.json()["errors"]
    assert error["status"] == "404"


@pytest.mark.parametrize("status", [500, 503])
def test_faults_of_the_server_have_the_shape_of_other_errors(
    sandbox: Sandbox, application: Application, status: int
) -> None:
    """``status``, ``code``, ``title`` and ``detail``, whatever went wrong."""
    sandbox.fail("api", status)
    response = application.api(application.issued(), "actions")
    assert response.status_code == status
    assert set(response.json()["errors"]) == {"status", "code", "title", "detail"}


def test_fields_select_members(application: Application) -> None:
    """``fields`` names the members wanted, ``fields[resource]`` those of linked rows."""
    path = "timerecords?pageSize=2&fields=id,rate&include=action&fields[actions]=name"
    document = application.api(application.issued(), path).json()
    assert all(set(row) == {"id", "rate"} for row in document["timerecords"])
    assert all(set(row) == {"id", "name"} for row in document["linked"]["actions"])


@pytest.mark.parametrize("resource", ["actions", "participants", "filenotes", "users"])
def test_every_resource_has_rows(application: Application, resource: str) -> None:
    """The other resources answer in the same shape."""
    found = rows(application.api(application.issued(), resource), resource)
    assert len(found) > 1
    assert all("id" in row for row in found)


def test_without_the_scope_403_insufficient_scope(application: Application) -> None:
    """A resource whose scope was not granted is out of reach, whoever the user is."""
    response = application.api(application.issued("priya", "users"), "timerecords")
    assert response.status_code == 403
    assert response.json()["errors"]["code"] == "insufficient_scope"


def test_without_the_users_permission_403_of_another_code(application: Application) -> None:
    """The end-user's own limits are told apart from a missing scope."""
    response = application.api(application.issued("grace"), "timerecords")
    assert response.status_code == 403
    error = response.json()["errors"]
    assert error["code"].startswith("AS-")
    assert {"status", "title", "detail"} < set(error)


def test_users_see_what_their_own_permissions_show(application: Application) -> None:
    """Tom sees his own time records only; Priya sees everybody's."""
    mine = rows(
        application.api(application.issued("tom"), "timerecords?pageSize=200"), "timerecords"
    )
    assert len({row["links"]["participant"] for row in mine}) == 1
    theirs = rows(application.api(application.issued("priya"), "timerecords"), "timerecords")
    assert len({row["links"]["participant"] for row in theirs}) > 1


def test_organisations_do_not_see_each_other(application: Application) -> None:
    """The same id is another row in another organisation."""
    here = application.api(application.issued("priya", orgkey="acmelaw"), "actions/1")
    there = application.api(application.issued("priya", orgkey="harbourlegal"), "actions/1")
    assert here.json()["actions"]["reference"] != there.json()["actions"]["reference"]


def test_401_tells_expired_from_invalid(sandbox: Sandbox, application: Application) -> None:
    """An expired token, an unknown one and none at all have OAuth-shaped bodies."""
    tokens = application.issued()
    sandbox.post("sandbox/expire", what="access")
    expired = application.api(tokens, "users/current")
    assert (expired.status_code, expired.json()) == (401, {"error": "expired_token"})
    unknown = application.api({"access_token": "unknown"}, "users/current")
    assert (unknown.status_code, unknown.json()) == (401, {"error": "invalid_token"})
    assert application.http.get("/api/rest/users/current").json() == {"error": "invalid_token"}


def test_a_token_in_the_query_is_not_accepted(application: Application) -> None:
    """The bearer goes into the header, and nowhere else."""
    token = application.issued()["access_token"]
    response = application.http.get("/api/rest/users/current", params={"access_token": token})
    assert response.status_code == 401


def test_only_bearer_tokens_are_accepted(application: Application) -> None:
    """HTTP Basic with a good token opens nothing."""
    token = application.issued()["access_token"]
    response = application.http.get("/api/rest/users/current", auth=("tom", token))
    assert (response.status_code, response.json()) == (401, {"error": "invalid_token"})


def test_patch_is_405_and_options_lists_the_verbs(application: Application) -> None:
    """GET, POST, PUT, DELETE and OPTIONS; no PATCH."""
    tokens = application.issued()
    patch = application.api(tokens, "timerecords/1", "PATCH", json={})
    assert patch.status_code == 405
    assert patch.json()["errors"]["status"] == "405"
    assert "PUT" in patch.headers["Allow"]
    assert application.api(tokens, "actions/1", "DELETE").status_code == 405
    options = application.api(tokens, "timerecords", "OPTIONS")
    assert options.status_code == 204
    assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_media_types_are_checked(application: Application) -> None:
    """406 for an ``Accept`` that cannot be met, 415 for a body of another type."""
    tokens = application.issued()
    html = application.api(tokens, "actions", headers={"Accept": "text/html"})
    assert html.status_code == 406
    headers = {"Content-Type": "text/plain"}
    plain = application.api(tokens, "timerecords", "POST", content=b"{}", headers=headers)
    assert plain.status_code == 415


def test_a_time_record_is_created_changed_and_deleted(application: Application) -> None:
    """``POST``, ``PUT`` and ``DELETE`` work, and the rows are the user's own by default."""
    tokens = application.issued("tom")
    created = application.api(tokens, "timerecords", "POST", json={"timerecords": TIME_RECORD})
    row = created.json()["timerecords"]
    assert created.status_code == 201
    assert (row["id"], row["quantity"], row["isBillable"]) == (481, 1.5, "T")
    assert application.api(tokens, "timerecords?id=481&quantity_lteq=1.499").status_code == 204
    assert row["links"] == {"action": "12", "participant": "2"}
    change = {"timerecords": {"quantity": 2, "isBillable": "F"}}
    changed = application.api(tokens, "timerecords/481", "PUT", json=change).json()["timerecords"]
    assert (changed["quantity"], changed["isBillable"]) == (2, "F")
    assert changed["description"] == "Drafting"
    assert application.api(tokens, "timerecords/481", "DELETE").status_code == 204
    assert application.api(tokens, "timerecords/481").status_code == 404


def test_a_file_note_is_created_changed_and_deleted(application: Application) -> None:
    """File notes are writable as well, and ``include`` brings linked rows of a written one."""
    tokens = application.issued()
    body = {"filenotes": {"text": "Client called.", "links": {"action": "3"}}}
    created = application.api(tokens, "filenotes?include=action", "POST", json=body)
    assert created.status_code == 201
    assert created.json()["filenotes"]["text"] == "Client called."
    assert [row["id"] for row in created.json()["linked"]["actions"]] == [3]
    path = f"filenotes/{created.json()['filenotes']['id']}"
    change = {"filenotes": {"text": "Client called twice.", "links": {"action": "4"}}}
    changed = application.api(tokens, path, "PUT", json=change).json()["filenotes"]
    assert (changed["text"], changed["links"]["action"]) == ("Client called twice.", "4")
    assert application.api(tokens, path, "DELETE").status_code == 204
    assert application.api(tokens, path).status_code == 404


def test_several_rows_are_deleted_at_once_but_not_changed(application: Application) -> None:
    """``DELETE`` takes ids joined by commas, ``PUT`` takes one."""
    tokens = application.issued()
    put = application.api(tokens, "timerecords/1,2", "PUT", json={"timerecords": {"quantity": 1}})
    assert put.status_code == 400
    assert application.api(tokens, "timerecords/1,2", "DELETE").status_code == 204
    assert application.api(tokens, "timerecords?id_lteq=2").status_code == 204


def test_an_incomplete_row_is_refused_with_every_reason(application: Application) -> None:
    """A row that makes no sense is 400, all its mistakes named, and nothing is stored."""
    tokens = application.issued()
    body = {"timerecords": {"entryDate": "soon", "colour": "red", "links": {"action": "99999"}}}
    response = application.api(tokens, "timerecords", "POST", json=body)
    details = " ".join(error["detail"] for error in response.json()["errors"])
    assert response.status_code == 400
    for wanted in ("entryDate", "colour", "links.action", "quantity", "description"):
        assert wanted in details
    bare = application.api(tokens, "timerecords", "POST", json=["nonsense"])
    assert bare.status_code == 400
    assert application.api(tokens, "timerecords?id=481").status_code == 204


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"description": None}, "description is required."),
        ({"description": ""}, "description is required."),
        ({"description": {"a": [1]}}, "description must be text."),
        ({"description": 5}, "description must be text."),
        ({"quantity": None}, "quantity is required."),
        ({"entryDate": ""}, "entryDate is required."),
        ({"links": {"action": None}}, "links.action is required."),
    ],
    ids=repr,
)
def test_what_is_required_is_there_and_text_is_text(
    application: Application, method: str, change: dict[str, Any], detail: str
) -> None:
    """Null and nothing are no value, and nothing is made into text that is none; once each."""
    tokens = application.issued()
    path = "timerecords/1" if method == "PUT" else "timerecords"
    body = {"timerecords": {**TIME_RECORD, **change}}
    response = application.api(tokens, path, method, json=body)
    assert (response.status_code, response.json()["errors"]["detail"]) == (400, detail)


def test_null_clears_what_is_optional(application: Application) -> None:
    """What may be left out may be taken back: it is as if it had never been said."""
    tokens = application.issued("priya")
    said = {"rate": 99, "isBillable": "F", "links": {"action": "12", "participant": "2"}}
    unsaid = {"rate": None, "isBillable": None, "links": {"action": "12", "participant": None}}

    def written(method: str, path: str, members: dict[str, Any]) -> dict[str, Any]:
        body = {"timerecords": {**TIME_RECORD, **members}}
        [row] = rows(application.api(tokens, path, method, json=body), "timerecords")
        return row | {"id": 0, "createdTimestamp": ""}

    plain = written("POST", "timerecords", {})
    assert written("POST", "timerecords", said) != plain
    assert written("PUT", "timerecords/482", unsaid) == plain
    assert written("POST", "timerecords", unsaid) == plain


@pytest.mark.parametrize(
    "body",
    [
        b'{"timerecords": {"description": "\\ud800"}}',
        b'{"timerecords": {"quantity": 9999.999}}',
        b"[" * 100_000,
        b" " * 1_500_000,
    ],
    ids=["half a character", "rounds to five digits", "deep", "long"],
)
def test_a_body_that_cannot_be_kept_is_400(application: Application, body: bytes) -> None:
    """What cannot be read or stored is refused in the shape of other errors, and changes nothing."""
    tokens = application.issued()
    before = application.api(tokens, "timerecords/1").json()
    headers = {"Content-Type": MEDIA_TYPE}
    refused = application.api(tokens, "timerecords/1", "PUT", content=body, headers=headers)
    assert (refused.status_code, refused.json()["errors"]["status"]) == (400, "400")
    assert application.api(tokens, "timerecords/1").json() == before


def test_writing_is_within_the_users_permissions(application: Application) -> None:
    """A read-only user writes nothing, Grace no time at all, and Tom none for others."""
    body = {"timerecords": TIME_RECORD}
    for user in ("elena", "grace"):
        refused = application.api(application.issued(user), "timerecords", "POST", json=body)
        assert refused.status_code == 403
    seen = rows(application.api(application.issued(), "timerecords?id_gt=480"), "timerecords")
    assert seen == []
    links = {"action": "12", "participant": "1"}
    body = {"timerecords": {**TIME_RECORD, "links": links}}
    tom = application.api(application.issued("tom"), "timerecords", "POST", json=body)
    assert tom.status_code == 403


def test_calls_are_logged_against_the_authorizing_user(application: Application) -> None:
    """The activity log names method, resource, answer, end-user and organisation."""
    application.api(application.issued("grace"), "timerecords?page=1")
    entry = application.state()["activity"][0]
    assert entry["method"] == "GET"
    assert entry["resource"] == "timerecords"
    assert entry["status"] == 403
    assert (entry["user"], entry["orgkey"]) == ("grace", "acmelaw")
    assert entry["client_id"] == "sandbox-client"


def test_the_log_keeps_the_user_agent(application: Application) -> None:
    """Actionstep wants a ``User-Agent`` of one's own; a test can see which was sent."""
    application.api(application.issued(), "actions", headers={"User-Agent": "lawdesk/1.0"})
    assert application.state()["activity"][0]["user_agent"] == "lawdesk/1.0"


def test_a_rate_limit_is_for_each_user_session(sandbox: Sandbox, application: Application) -> None:
    """Past the limit a session gets 429 without ``Retry-After``; others do not feel it."""
    sandbox.change_options(rate_limit=2)
    one, another = application.issued("tom"), application.issued("tom")
    statuses = [application.api(one, "actions").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert "Retry-After" not in application.api(one, "actions").headers
    assert application.api(another, "actions").status_code == 200


def test_a_rate_limit_is_for_each_organisation_too(
    sandbox: Sandbox, application: Application
) -> None:
    """A firm's sessions share its limit; another firm does not feel it."""
    sandbox.change_options(organisation_rate_limit=2)
    colleagues = [application.issued(name, orgkey="acmelaw") for name in ("tom", "grace", "priya")]
    assert [application.api(one, "actions").status_code for one in colleagues] == [200, 200, 429]
    assert application.api(application.issued("marcus"), "actions").status_code == 200


def test_a_rate_limit_may_say_how_long_and_passes(
    sandbox: Sandbox, application: Application
) -> None:
    """``Retry-After`` is an option; the time it names is time enough."""
    sandbox.change_options(rate_limit=1, send_retry_after=True)
    tokens = application.issued()
    application.api(tokens, "actions")
    wait = int(application.api(tokens, "actions").headers["Retry-After"])
    assert 0 < wait <= 60
    sandbox.post("sandbox/advance", seconds=wait)
    assert application.api(tokens, "actions").status_code == 200


def test_fifty_requests_at_once_are_answered(application: Application) -> None:
    """Fifty API calls at once, for two users, each get their own user's answer."""
    users = [application.issued("tom"), application.issued("marcus")] * 25
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda tokens: application.api(tokens, "users/current"), users))
    seen = [answer.json()["users"]["emailAddress"].partition("@")[0] for answer in answers]
    assert seen == ["tom", "marcus"] * 25
