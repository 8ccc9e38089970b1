"""Connecting in a real Chromium: cookies, history, tabs, keyboard and small screens."""

from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.browser import Screenshot, at_actionstep, press, sign_in
from tests.support.connections import make_connection, make_user
from tests.support.person import Person, attempt, query

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a user of the site."""
    return Person()


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, person: Person) -> Generator[BrowserContext]:
    """Open a browser in which this user is signed in; no page may run or miss a script."""
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.set_default_timeout(15_000)
        sign_in(context, live_server.url, person)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open a tab."""
    return context.new_page()


def start(page: Page, path: str = "/actionstep/connect/") -> None:
    page.goto(path)
    press(page, "Continue to Actionstep")


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def test_a_first_time_user_finds_the_way(
    page: Page, sandbox: Sandbox, settings: Settings, screenshot: Screenshot
) -> None:
    """They deny, connect, add a scope and disconnect, by what the pages say and without scripts."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "ALLOWED_SCOPES": ["actions", "participants", "timerecords", "filenotes"],
    }
    page.goto("/actionstep/")
    press(page, "Connect Actionstep")
    heading(page, "Connect Actionstep")
    screenshot(page, "connect-1-what-is-asked")
    press(page, "Continue to Actionstep")
    screenshot(page, "connect-2-at-actionstep")
    at_actionstep(page, decision="Deny")
    heading(page, "You did not allow access")
    screenshot(page, "connect-3-denied")
    press(page, "Try again")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    heading(page, "Your Actionstep connections")
    expect(page.get_by_text("You are connected to acmelaw.")).to_be_visible()
    screenshot(page, "connect-4-connected")
    page.goto("/actionstep/connect/?scopes=filenotes")
    heading(page, "Give this site more access to acmelaw")
    expect(page.get_by_role("listitem").filter(has_text="new")).to_have_text("File notes new")
    screenshot(page, "connect-5-one-scope-more")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_text("File notes")).to_be_visible()
    press(page, "Disconnect acmelaw")
    heading(page, "Disconnect acmelaw?")
    screenshot(page, "connect-6-disconnect")
    press(page, "Disconnect")
    expect(page.get_by_text("You are no longer connected to acmelaw.")).to_be_visible()
    screenshot(page, "connect-7-disconnected")


def test_s11_no_address_with_a_code_stays_in_the_history(page: Page, sandbox: Sandbox) -> None:
    """However it ends, neither the address bar nor the back button shows code or state."""
    sandbox.post("sandbox/faults", endpoint="token", fault="status_503")
    for expected in ("Actionstep is not responding", "Your Actionstep connections"):
        start(page)
        at_actionstep(page)
        heading(page, expected)
        assert "code=" not in page.url
        assert "state=" not in page.url
        page.go_back()
        assert "/callback/" not in page.url


def test_s3_going_back_and_on_again_breaks_nothing(
    page: Page, sandbox: Sandbox, person: Person
) -> None:
    """Back, forward and reload after connecting: the result stays, and nothing is done twice."""
    start(page)
    at_actionstep(page)
    # Seen, so arrived: Chromium refuses to go back while a page from another site takes over.
    heading(page, "Your Actionstep connections")
    page.go_back()
    page.go_forward()
    heading(page, "Your Actionstep connections")
    page.reload()
    heading(page, "Your Actionstep connections")
    assert Connection.objects.get().generation == 1


def test_two_tabs_at_once_both_end_well(
    context: BrowserContext, sandbox: Sandbox, person: Person
) -> None:
    """Attempts in two tabs of one browser do not get into each other's way."""
    one, two = context.new_page(), context.new_page()
    start(one)
    start(two)
    at_actionstep(two, organisation="Harbour Legal")
    at_actionstep(one)
    heading(one, "Your Actionstep connections")
    organisations = Connection.objects.filter(user=person.user).values_list("orgkey", flat=True)
    assert sorted(organisations) == ["acmelaw", "harbourlegal"]


def test_s2_somebody_else_signed_in_meanwhile(
    context: BrowserContext, page: Page, live_server: LiveServer, sandbox: Sandbox, person: Person
) -> None:
    """Start as A, sign in as B in the same browser, come back: refused, and B can start afresh."""
    start(page)
    person.sign_out()
    person.sign_in_as(make_user())
    sign_in(context, live_server.url, person)
    at_actionstep(page)
    heading(page, "This request was started by another user")
    assert not Connection.objects.exists()
    press(page, "Try again")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    heading(page, "Your Actionstep connections")
    assert Connection.objects.get().user == person.user


def test_s15_a_lax_session_comes_back_from_another_site(
    page: Page, sandbox: Sandbox, live_server: LiveServer, person: Person
) -> None:
    """With Django's default the browser sends the session along, and one is connected."""
    assert urlsplit(live_server.url).hostname != urlsplit(sandbox.url).hostname
    start(page)
    at_actionstep(page)
    heading(page, "Your Actionstep connections")
    assert Connection.objects.get().user == person.user


def test_s15_a_strict_session_stays_behind_and_nothing_is_lost_or_leaked(
    context: BrowserContext,
    page: Page,
    live_server: LiveServer,
    sandbox: Sandbox,
    person: Person,
    settings: Settings,
    screenshot: Screenshot,
) -> None:
    """The sign-in page, without code or state; attempt, session and connections are as they were."""
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    sign_in(context, live_server.url, person, same_site="Strict")
    former = make_connection(person.user, orgkey="formerlaw")
    before = Connection.objects.values().get()
    asked_for: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    start(page)
    at_actionstep(page)
    assert urlsplit(page.url).path == "/login/"
    assert urlsplit(page.url).query == "next=/actionstep/"
    screenshot(page, "connect-strict-session")
    (back,) = [url for url in asked_for if "/callback/?" in url]
    for secret in query(back).values():
        assert secret not in page.content() + page.url
        assert not [cookie for cookie in context.cookies() if secret in str(cookie)]
    assert attempt().used_at is None
    assert sandbox.get("sandbox/state")["counters"]["token_requests"]["authorization_code"] == 0
    assert Connection.objects.values().get() == before
    # Once the person asks, and no longer Actionstep's page, the session is there again.
    page.goto("/actionstep/")
    heading(page, "Your Actionstep connections")
    expect(page.get_by_role("heading", name=former.orgkey)).to_be_visible()


def test_a_keyboard_is_enough(page: Page, sandbox: Sandbox) -> None:
    """Every control is reached with Tab and pressed with Enter, and shows where one is."""
    page.goto("/actionstep/connect/")
    page.keyboard.press("Tab")
    button = page.get_by_role("button", name="Continue to Actionstep")
    expect(button).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Not now")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("User name")).to_be_visible()
