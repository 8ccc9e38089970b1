"""The authorization endpoint and its two pages (docs/sandbox.md: Authorization, Scopes)."""

import re

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import REDIRECT_URI, Application, Visitor, callback_parameters


def test_two_pages_lead_to_a_code_and_the_state(visitor: Visitor) -> None:
    """Sign in, choose, allow: the callback gets 40 hexadecimal characters and the request's state."""
    given = visitor.authorize("priya", "acmelaw", state="s p+&ce")
    assert re.fullmatch(r"[0-9a-f]{40}", given["code"])
    assert given["state"] == "s p+&ce"
    assert set(given) == {"code", "state"}


def test_page_one_offers_only_the_organisations_of_the_user(visitor: Visitor) -> None:
    """Priya chooses between her two firms; Tom has one and is not asked."""
    visitor.visit()
    visitor.sign_in("priya")
    assert "Acme Law" in visitor.text
    assert "Harbour Legal" in visitor.text
    visitor.visit(state="another")
    visitor.sign_in("tom@acmelaw.example")
    assert "Step 2 of 2" in visitor.text
    assert "Tom Okafor at Acme Law" in re.sub(r"\s+", " ", visitor.text)


def test_an_organisation_of_others_cannot_be_chosen(visitor: Visitor) -> None:
    """A forged choice of organisation is refused."""
    visitor.visit()
    visitor.sign_in("priya")
    assert visitor.submit(orgkey="somebody-elses").status_code == 400


def test_a_wrong_password_signs_nobody_in(visitor: Visitor) -> None:
    """A wrong password leads back to the sign-in page with an explanation."""
    visitor.visit()
    assert visitor.sign_in("priya", "guess").status_code == 400
    assert "do not go together" in visitor.text


def test_page_two_names_the_client_and_each_scope_in_words(visitor: Visitor) -> None:
    """The end-user sees the client, themself, their organisation, and every scope asked for."""
    visitor.visit(scope="timerecords widgets all")
    visitor.sign_in("marcus")
    for wanted in ("sandbox-client", "Marcus Bell", "Harbour Legal", "Time records", "widgets"):
        assert wanted in visitor.text
    assert "All data in your Actionstep system" in visitor.text


def test_deny_sends_access_denied_with_the_state(
    visitor: Visitor, application: Application
) -> None:
    """Denying leaves no grant behind."""
    visitor.visit()
    visitor.sign_in("tom")
    given = callback_parameters(visitor.submit(decision="deny"))
    assert given["error"] == "access_denied"
    assert given["state"] == "a-state"
    assert application.state()["connections"] == []


@pytest.mark.parametrize("separator", ["+", "%20"])
def test_both_separators_between_scopes_work(
    visitor: Visitor, application: Application, separator: str
) -> None:
    """``+`` and ``%20`` both separate scopes."""
    visitor.visit()
    visitor.url = visitor.url.replace("users+timerecords", f"users{separator}timerecords")
    visitor.page = visitor.http.get(visitor.url)
    visitor.sign_in("tom")
    given = callback_parameters(visitor.submit(decision="allow"))
    assert application.exchange(given["code"]).status_code == 200
    assert application.state()["connections"][0]["scopes"] == ["users", "timerecords"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1@evil.example/callback"),
        ("redirect_uri", "http://localhost.evil.example/callback"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", 'http://127.0.0.1/"quoted\\"é'),
        ("redirect_uri", ""),
    ],
)
def test_an_unknown_client_or_redirect_uri_is_never_redirected(
    visitor: Visitor, name: str, value: str
) -> None:
    """Anyone who cannot be trusted with a redirect gets a page instead."""
    page = visitor.visit(**{name: value})
    assert page.status_code == 400
    assert "Location" not in page.headers
    assert "cannot be answered" in page.text


def test_a_parameter_that_comes_twice_is_never_redirected(visitor: Visitor) -> None:
    """Two redirect URIs are one too many (RFC 6749, section 3.1)."""
    visitor.visit()
    page = visitor.http.get(f"{visitor.url}&redirect_uri=http://localhost/other")
    assert page.status_code == 400


def test_registered_redirect_uris_match_exactly(sandbox: Sandbox, visitor: Visitor) -> None:
    """With a redirect URI registered, a longer or a shorter one is refused."""
    sandbox.post("sandbox/options", redirect_uris=[REDIRECT_URI])
    assert visitor.visit().status_code == 200
    assert visitor.visit(redirect_uri=f"{REDIRECT_URI}/more").status_code == 400
    assert visitor.visit(redirect_uri="http://127.0.0.1:9/").status_code == 400


def test_any_loopback_address_serves_a_client_without_registered_ones(visitor: Visitor) -> None:
    """``http://localhost:PORT/…`` works for a client that registered nothing."""
    for redirect_uri in ("http://localhost:8123/back", "http://127.0.0.1/back?kept=1"):
        assert visitor.visit(redirect_uri=redirect_uri).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'c"\\é'}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": 'quo"te'}, "invalid_scope"),
        ({"code_challenge": "too-short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "c" * 43}, "invalid_request"),
        ({"code_challenge": "c" * 43, "code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_other_mistakes_are_told_to_the_client(
    visitor: Visitor, parameters: dict[str, str], error: str
) -> None:
    """Where the redirect is safe, the client learns what was wrong, and gets its state."""
    given = callback_parameters(visitor.visit(**parameters))
    assert given["error"] == error
    assert given["state"] == "a-state"


def test_a_scope_registered_for_the_client_serves_when_none_is_asked(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    """The scope may be set on the server side."""
    sandbox.post("sandbox/options", default_scope="timerecords")
    visitor.visit(scope="")
    visitor.sign_in("tom")
    assert "Time records" in visitor.text


def test_orgkey_skips_the_organisation_chooser(visitor: Visitor) -> None:
    """The undocumented ``orgkey`` preselects; a foreign one is ignored."""
    visitor.visit(orgkey="harbourlegal")
    visitor.sign_in("priya")
    assert "Harbour Legal" in visitor.text
    assert "Step 2 of 2" in visitor.text
    visitor.visit(orgkey="somebody-elses")
    visitor.sign_in("priya")
    assert "Choose an organisation" in visitor.text


def test_prompt_none_skips_the_sign_in_only_with_a_session(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    """The undocumented ``prompt=none`` uses the session there is, until the sandbox is reset."""
    visitor.visit(prompt="none")
    assert "Sign in" in visitor.text
    visitor.sign_in("tom")
    visitor.visit(prompt="none", state="next")
    assert "Step 2 of 2" in visitor.text
    visitor.visit(state="without")
    assert "Step 1 of 2" in visitor.text
    sandbox.reset()
    visitor.visit(prompt="none", state="last")
    assert "Step 1 of 2" in visitor.text


def test_a_decision_needs_the_pages_before_it(visitor: Visitor) -> None:
    """No one can allow without having signed in for this very request."""
    visitor.authorize("tom")
    visitor.visit(state="another")
    visitor.submit(decision="allow")
    assert "Step 1 of 2" in visitor.text


def test_a_form_of_another_site_is_refused(visitor: Visitor) -> None:
    """The pages act on forms of their own only."""
    visitor.visit()
    assert visitor.http.post(visitor.url, data={"decision": "allow"}).status_code == 403


def test_iss_is_sent_when_the_sandbox_is_told_to(sandbox: Sandbox, visitor: Visitor) -> None:
    """RFC 9207's ``iss`` comes as an option, because no one knows whether Actionstep sends it."""
    sandbox.post("sandbox/options", issuer="https://issuer.example")
    assert visitor.authorize("tom")["iss"] == "https://issuer.example"


def test_pages_are_kept_out_of_caches_and_frames(visitor: Visitor) -> None:
    """No page may be framed, cached or scripted."""
    headers = visitor.visit().headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "no-store" in headers["Cache-Control"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in visitor.page.text


def test_its_cookies_are_not_those_of_a_site(visitor: Visitor) -> None:
    """Cookies ignore ports, so a site on the same host must keep its own."""
    visitor.visit()
    visitor.sign_in("tom")
    assert set(visitor.http.cookies) == {"sandbox_sessionid", "sandbox_csrftoken"}
