"""Who may see and do what, and how much of it (docs/sandbox.md: Scopes, REST API)."""

from concurrent.futures import ThreadPoolExecutor

from actionstep_connect.testing import Sandbox
from tests.support.visitor import MEDIA_TYPE, Application, rows

TIME_RECORD = {
    "startTimestamp": "2026-11-02T09:30:00+10:00",
    "actualHours": 1.5,
    "links": {"action": "12"},
}


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


def test_without_the_scope_403_insufficient_scope(application: Application) -> None:
    """A resource whose scope was not granted is out of reach, no matter who the user is."""
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
    """Tom sees his own time records only; Priya sees all users'."""
    mine = rows(
        application.api(application.issued("tom"), "timerecords?pageSize=200"), "timerecords"
    )
    assert {row["links"]["owner"] for row in mine} == {"2"}
    theirs = rows(application.api(application.issued("priya"), "timerecords"), "timerecords")
    assert len({row["links"]["owner"] for row in theirs}) > 1


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


def test_writing_is_within_the_users_permissions(application: Application) -> None:
    """A read-only user writes nothing, Grace no time at all, and Tom none for others."""
    body = {"timerecords": TIME_RECORD}
    for user in ("elena", "grace"):
        refused = application.api(application.issued(user), "timerecords", "POST", json=body)
        assert refused.status_code == 403
    seen = rows(application.api(application.issued(), "timerecords?id_gt=480"), "timerecords")
    assert seen == []
    links = {"action": "12", "owner": "1"}
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


def test_restricted_matters_are_unseen_wherever_they_would_show(application: Application) -> None:
    """Not as rows, not by their ids, not linked, not in counts, and not what hangs on them."""
    partner, associate = application.issued(orgkey="acmelaw"), application.issued("tom")
    for resource in ("actions", "tasks", "filenotes", "bills", "datacollectionrecords"):
        name = "id" if resource == "actions" else "action"
        hidden = application.api(partner, f"{resource}?{name}=30,60,90").json()
        everything = application.api(partner, resource).json()
        seen = application.api(associate, f"{resource}?include={'step' if name == 'id' else name}")
        counts = [
            document["meta"]["paging"][resource]["recordCount"]
            for document in (everything, hidden, seen.json())
        ]
        assert counts[0] - counts[1] == counts[2]
        linked = seen.json()["linked"].get("actions", [])
        assert {30, 60, 90}.isdisjoint(row["id"] for row in linked)
        assert application.api(associate, f"{resource}?{name}=30").status_code == 204
    assert application.api(associate, "actions/30").status_code == 404
    change = {"actions": {"name": "Seen"}}
    assert application.api(associate, "actions/30", "PATCH", json=change).status_code == 404
    body = {"filenotes": {"text": "Seen.", "links": {"action": 30}}}
    refused = application.api(associate, "filenotes", "POST", json=body)
    assert refused.json()["errors"]["detail"] == "links.action leads nowhere."


def test_a_filter_does_not_tell_of_what_was_not_granted(application: Application) -> None:
    """Asking about linked rows needs their scope; rows that are unseen answer nothing."""
    tokens = application.issued("priya", "tasks")
    refused = application.api(tokens, "tasks?action[name_ilike]=*a*")
    assert refused.json()["errors"]["code"] == "insufficient_scope"
    associate = application.issued("tom")
    assert application.api(associate, "tasks?action[id]=30").status_code == 204


def test_metadata_has_a_scope_of_another_name(application: Application) -> None:
    """``as-common/application-meta-data`` needs ``AsCommon``, as scope and in a header."""
    path, headers = "as-common/application-meta-data", {"X-API-EXTENSION": "AsCommon"}
    tokens = application.issued("priya", "AsCommon", orgkey="harbourlegal")
    about = application.api(tokens, path, headers=headers).json()
    assert set(about) == {"currentUser", "organization", "deepLinkUrl"}
    assert about["currentUser"]["name"] == "Priya Nair"
    assert about["organization"]["orgkey"] == "harbourlegal"
    assert application.api(tokens, path).status_code == 404
    without = application.api(application.issued("priya", "users"), path, headers=headers)
    assert without.json()["errors"]["code"] == "insufficient_scope"


def test_time_entries_open_with_either_scope(application: Application) -> None:
    """Which of the two it is, is unproven; both reach them."""
    for scope in ("timeentries", "timerecords"):
        assert application.api(application.issued("priya", scope), "timeentries").status_code == 200
