"""Connecting in a real Chromium on sites with a strict policy, and with scripts that take forms over."""

import re
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.browser import Screenshot, at_actionstep, press, sign_in
from tests.support.connections import make_connection
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.person import Person
from tests.support.scripted_site import POLICY, frame, policy

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a user of the site."""
    return Person()


@pytest.fixture
def faults() -> list[str]:
    """Collect what the browser's console says."""
    return []


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, person: Person, faults: list[str]
) -> Generator[Page]:
    """Open a tab in which this user is signed in."""
    with browser.new_context(base_url=live_server.url) as context:
        context.set_default_timeout(30_000)
        sign_in(context, live_server.url, person)
        page = context.new_page()

        def note(message: ConsoleMessage) -> None:
            # A browser asks for the icon once, in whichever test comes first.
            if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
                faults.append(message.text)

        page.on("console", note)
        yield page


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Yield a token endpoint that answers as told, and settings that lead to it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            **server.settings(),
            "HTTP_TIMEOUT": 40,
        }
        yield server


@pytest.fixture
def site(settings: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Put a site with a strict policy, and the script of this test, around the app."""
    script: str = getattr(request, "param", "")
    base = tmp_path / "actionstep_connect" / "base.html"
    base.parent.mkdir()
    base.write_text(frame(script))
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.support.scripted_site"
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy(script)}
    settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE]
    return script


SCRIPTS = ["", "htmx.min.js", "turbo.es2017-umd.js", "interceptor.js"]


def go_all_the_way(page: Page) -> None:
    page.goto("/home/")
    press(page, "Connect Actionstep")
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect Actionstep")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_text("You are connected to acmelaw.")).to_be_visible()
    assert page.url.endswith("/home/")


@pytest.mark.parametrize("site", SCRIPTS, indirect=True)
def test_s49_leaving_works_under_a_strict_policy_and_scripts(
    page: Page, sandbox: Sandbox, site: str, person: Person, faults: list[str]
) -> None:
    """With django-csp and `form-action 'self'`, with htmx, Turbo or a site's own script: one click."""
    go_all_the_way(page)
    assert Connection.objects.get().user == person.user
    if site.startswith("turbo"):  # On a slow machine it shows its bar; here it always does.
        page.evaluate("Turbo.session.adapter.progressBar.show()")
        expect(page.locator(".turbo-progress-bar")).to_be_attached()
    assert not [fault for fault in faults if "Content Security Policy" in fault]


@pytest.mark.parametrize("site", SCRIPTS[1:3], indirect=True)
def test_s49_leaving_works_where_a_site_wrote_the_templates_anew(
    page: Page, sandbox: Sandbox, site: str, settings: Settings
) -> None:
    """Without the attributes that tell htmx and Turbo to stay away, the answers make them leave."""
    strip = "tests.support.scripted_site.without_attributes"
    settings.MIDDLEWARE = [strip, *settings.MIDDLEWARE]
    go_all_the_way(page)


@pytest.mark.parametrize("site", ["htmx.min.js"], indirect=True)
def test_a_click_that_deletes_leads_to_connect(page: Page, site: str) -> None:
    """The browser goes on with GET; with DELETE it would end at an error that htmx does not show."""
    page.goto("/home/")
    press(page, "Delete")
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect Actionstep")
    assert "next=/home/" in page.url


def test_s49_leaving_works_without_scripts(
    browser: Browser, live_server: LiveServer, person: Person, sandbox: Sandbox, site: str
) -> None:
    """A browser that runs none leaves nevertheless, and going back leads to the page before."""
    with browser.new_context(base_url=live_server.url, java_script_enabled=False) as context:
        context.set_default_timeout(30_000)
        sign_in(context, live_server.url, person)
        page = context.new_page()
        go_all_the_way(page)
        page.goto("/actionstep/connect/")
        press(page, "Continue to Actionstep")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        page.go_back()
        expect(page).to_have_url(re.compile("/actionstep/connect/$"))


def test_s49_leaving_works_under_a_second_policy_of_the_web_server(
    page: Page, sandbox: Sandbox, live_server: LiveServer, faults: list[str]
) -> None:
    """As nginx's `add_header` sends it beside this package's own: both policies hold (RFC 9110 §5.3)."""
    strict = "; ".join(f"{name} {' '.join(sources)}" for name, sources in POLICY.items())

    def add_header(route: Route) -> None:
        response = route.fetch(max_redirects=0)
        own = response.headers.get("content-security-policy")
        both = ", ".join(filter(None, [own, strict]))
        headers = {**response.headers, "content-security-policy": both}
        route.fulfill(response=response, headers=headers)

    page.route(f"{live_server.url}/actionstep/**", add_header)
    page.goto("/actionstep/connect/")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_text("You are connected to acmelaw.")).to_be_visible()
    assert not [fault for fault in faults if "Refused to load the stylesheet" in fault]


def test_disconnecting_works_under_a_strict_policy(
    page: Page, site: str, person: Person, faults: list[str]
) -> None:
    """The form, the style and the redirect are the site's own."""
    make_connection(person.user, orgkey="acmelaw")
    page.goto("/actionstep/")
    press(page, "Disconnect acmelaw")
    press(page, "Disconnect")
    expect(page.get_by_text("You disconnected it.")).to_be_visible()
    assert faults == []


def test_a_reload_waits_for_the_end_and_keeps_the_way(
    page: Page, person: Person, server: HostileServer, site: str, screenshot: Screenshot
) -> None:
    """While the first request asks Actionstep, a second one waits, and ends where the first would."""
    asked, gate = threading.Event(), threading.Event()
    server.script([Answer(body=grant(), gate=gate, reached=asked)])
    # Actionstep's page has sent the browser back; the code is not looked at.
    page.goto("/actionstep/connect/?next=/home/")
    page.route(f"{server.url}/**", lambda route: route.abort())
    with page.expect_request(f"{server.url}/**") as left:
        press(page, "Continue to Actionstep")
    state = re.search(r"state=([\w-]+)", left.value.url)
    assert state
    back = f"/actionstep/callback/?code=canary-code&state={state[1]}"
    first = page.context.new_page()
    first.goto("/home/")
    first.evaluate("address => { setTimeout(() => { location.href = address }) }", back)
    assert asked.wait(20)
    first.goto(back)  # As F5 does: the browser gives the first request up, the site does not.
    expect(first.get_by_role("heading", level=1)).to_have_text("Finishing your connection")
    screenshot(first, "connect-being-finished")
    gate.set()
    expect(first).to_have_url(re.compile("/home/$"), timeout=20_000)
    assert len(server.requests) == 1
    assert Connection.objects.get().user == person.user
