"""Errors of the REST API, and what a request may be (docs/sandbox.md: REST API)."""

import re

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import MEDIA_TYPE, Application


@pytest.mark.parametrize("path", ["", "timerecords//", "timerecords/1/extra"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_does_not_exist_is_404_as_other_errors_are(
    application: Application, path: str, method: str
) -> None:
    """Whatever is below ``/api/rest/`` has the shape of the API."""
    response = application.api(application.issued(), path, method)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == MEDIA_TYPE
    assert response.json()["errors"]["status"] == 404


def test_several_errors_are_a_list(application: Application) -> None:
    """One error is an object, several are a list."""
    response = application.api(application.issued(), "timerecords?nonsense=1&actualHours=much")
    assert len(response.json()["errors"]) == 2


def test_one_error_may_come_as_a_list_too(sandbox: Sandbox, application: Application) -> None:
    """A list with one error in it is an option."""
    sandbox.change_options(errors_as_list=True)
    response = application.api(application.issued(), "nonsense")
    assert response.headers["Content-Type"] == MEDIA_TYPE
    [error] = response.json()["errors"]
    assert error["status"] == 404


@pytest.mark.parametrize("status", [500, 503])
def test_faults_of_the_server_have_the_shape_of_other_errors(
    sandbox: Sandbox, application: Application, status: int
) -> None:
    """``status``, ``code``, ``title`` and ``detail``, whatever went wrong."""
    sandbox.fail("api", status)
    response = application.api(application.issued(), "actions")
    assert response.status_code == status
    assert {"id", "status", "code", "title", "detail"} <= set(response.json()["errors"])
    assert response.json()["errors"]["status"] == status


def test_a_verb_that_is_not_published_is_405_and_options_lists_the_others(
    application: Application,
) -> None:
    """PATCH is published for matters alone; each address names the verbs that it takes."""
    tokens = application.issued()
    patch = application.api(tokens, "timerecords/1", "PATCH", json={})
    assert patch.status_code == 405
    assert patch.json()["errors"]["status"] == 405
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


def test_an_error_has_the_members_of_recorded_ones(application: Application) -> None:
    """Status as a number, an id of 40 hexadecimal characters, and where the mistake is."""
    tokens = application.issued()
    unknown = application.api(tokens, "nonsense").json()["errors"]
    assert (unknown["status"], unknown["code"]) == (404, "AS-TBC")
    assert re.fullmatch("[0-9a-f]{40}", unknown["id"])
    assert set(unknown) == {
        *("id", "links", "status", "code", "title", "detail", "source", "meta", "rls")
    }
    broken = application.api(
        tokens, "tasks", "POST", content=b"{", headers={"Content-Type": MEDIA_TYPE}
    ).json()["errors"]
    assert (broken["status"], broken["code"]) == (400, "AS-1302")
    assert broken["title"] == "Invalid JSON Message"
    body = {"contactnotes": {"links": {"participant": 12}}}
    missing = application.api(tokens, "contactnotes", "POST", json=body).json()["errors"]
    assert missing["source"] == {"pointer": "/contactnotes/text", "parameter": None}
