"""Every page that a person can meet, in a real Chromium: it fits, and axe-core finds no fault with it.

A picture of each is kept under ``.test-artifacts/``, light and dark, narrow and wide.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from actionstep_connect import urls
from actionstep_connect.hooks.models import Organisation, Registration, Subscription
from actionstep_connect.models import Connection, ConnectionEvent, EventKind, Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.testing import Sandbox
from actionstep_connect.testing.end_user import PASSWORD
from actionstep_connect.views.browser import ENDING_COOKIE
from actionstep_connect.wording.failures import FAILURES
from example_project.models import MatterChange
from tests.support.browser import Screenshot, at_actionstep, prefer, press, sign_in
from tests.support.connections import make_connection
from tests.support.hooks import body_of, call, subscribed
from tests.support.person import Person, told
from tests.support.rare_pages import rare_pages

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),  # Some fifty pages each, on a machine that may be busy.
]

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = [ViewportSize(width=320, height=640), ViewportSize(width=1280, height=800)]
LONG_KEY = "a-firm-with-a-very-long-key-" * 3
LONG_NAME = (
    "Harbour, Harbour & Daughters, Barristers and Solicitors of the Supreme Court of Victoria"
)
RIGHT_TO_LEFT = "\u05d4\u05e8\u05e6\u05dc \u05d5\u05e9\u05d5\u05ea\u05e4\u05d9\u05d5"

#: URL names that show no page of their own: they lead on, or answer machines.
NO_PAGES = {
    "actionstep_connect:callback",
    "actionstep_connect:health",
    "logout",
}

#: Parts of the admin that only Django can fix.
DJANGOS_OWN = [".breadcrumbs"]

#: Goes to one page after another, and gives the name of each.
Walk = Iterator[str]
#: Takes a walk, and returns the names of the URLs that were seen.
Look = Callable[..., set[str]]


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a user of the site."""
    return Person()


@pytest.fixture
def context(browser: Browser) -> Generator[BrowserContext]:
    """Open a browser that may speak to this machine alone."""
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None):
            elsewhere.append(request.url)

    with browser.new_context() as context:
        context.set_default_timeout(15_000)
        context.on("request", note)
        yield context
    assert elsewhere == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open a tab."""
    return context.new_page()


@pytest.fixture
def look(page: Page, screenshot: Screenshot) -> Look:
    """Look at each page of a walk, light and dark, wide and narrow, with axe, and into a picture."""

    def look_at(walk: Walk, site: str, *, ours: bool = True) -> set[str]:
        faults, seen = [], set()
        for name in walk:
            found = [*unreached(page)] if ours else []
            for size in SIZES:
                page.set_viewport_size(size)
                for scheme in SCHEMES:
                    prefer(page, scheme)
                    screenshot(page, f"{site}-{name}-{scheme}-{size['width']}")
                    found += outline(page, size) if ours else []
            for scheme in SCHEMES:
                prefer(page, scheme)
                # Without the light, only what is seen is other.
                rules = ["color-contrast", "link-in-text-block"] if scheme == "dark" else []
                found += [f"{scheme}: {fault}" for fault in violations(page, rules, strict=ours)]
            faults += [f"{name}: {fault}" for fault in found]
            with suppress(Resolver404):
                seen.add(resolve(urlsplit(page.url).path).view_name)
        assert not faults, "\n".join(faults)
        return seen

    return look_at


def violations(page: Page, rules: list[str], *, strict: bool) -> Iterator[str]:
    """Yield what axe-core finds by these rules, or by all: everything, or what is serious on Django's."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    context = {} if strict else {"exclude": DJANGOS_OWN}
    # The many other results are neither worked out in detail nor handed over.
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    run = "([context, options]) => axe.run(context, options).then(results => results.violations)"
    found = page.evaluate(run, [context or {"include": ["html"]}, options])
    for each in cast("list[dict[str, Any]]", found):
        if strict or each["impact"] in ("serious", "critical"):
            nodes = [f"{node['html']} {node['failureSummary']}" for node in each["nodes"]]
            yield f"{each['impact']} {each['id']}: {'; '.join(nodes)}"


OUTLINE = """() => ({
    width: document.documentElement.scrollWidth,
    headings: document.querySelectorAll("h1").length,
    scripts: document.querySelectorAll("script").length,
    lang: document.documentElement.lang,
})"""


def outline(page: Page, size: ViewportSize) -> Iterator[str]:
    """Yield what is wrong with the structure of a page of this package's."""
    found = page.evaluate(OUTLINE)
    if found["width"] > size["width"]:
        yield f"scrolls sideways at {size['width']}"
    if found["headings"] != 1:
        yield "has no single first heading"
    if found["scripts"]:
        yield "runs a script"
    if not found["lang"]:
        yield "names no language"


CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
#: Notes how each control shows the focus, before the next key takes the focus from it.
FOLLOW = """() => {
    window.noteFocus = () => {
        const { dataset } = document.activeElement;
        const outline = getComputedStyle(document.activeElement).outlineStyle;
        if (outline !== "none" || !dataset.reached) dataset.reached = outline;
    };
    document.addEventListener("keydown", window.noteFocus, true);
}"""
NOTED = """(controls) => {
    document.removeEventListener("keydown", window.noteFocus, true);
    window.noteFocus();
    return controls.map(control => [control.outerHTML, control.dataset.reached || ""]);
}"""
#: A date takes its day, its month, its year and its calendar one after the other.
STOPS_OF_A_DATE = 4


def unreached(page: Page) -> Iterator[str]:
    """Yield the controls that Tab does not reach, or that do not show it."""
    controls = page.locator(CONTROLS)
    dates = page.locator("input[type=date]").count()
    page.evaluate(FOLLOW)
    # Again, because the end of the page comes between.
    for _ in range(controls.count() + dates * (STOPS_OF_A_DATE - 1) + 1):
        page.keyboard.press("Tab")
    for control, shown in controls.evaluate_all(NOTED):
        if shown in ("", "none"):
            yield f"{control} {'does not show' if shown else 'is not reached by'} the focus"


def names(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    """Yield the name of every URL."""
    for each in resolver.url_patterns:
        if isinstance(each, URLPattern):
            yield f"{namespace}{each.name}"
        else:
            yield from names(each, f"{namespace}{each.namespace}:" if each.namespace else namespace)


def walk_app(page: Page, url: str, person: Person, endings: Iterable[str]) -> Walk:
    """Pass by every page of the app, and these endings."""
    page.goto(f"{url}/actionstep/")
    yield "connections-none"
    page.goto(f"{url}/actionstep/connect/")
    yield "connect-first"
    now = datetime.now(UTC)
    good = make_connection(
        person.user,
        orgkey="acmelaw",
        organisation_name="Acme Law",
        granted_scopes=["actions", "new_one"],
    )
    page.goto(f"{url}/actionstep/")
    yield "connections-good"
    page.goto(f"{url}/actionstep/connect/?scopes=actions%20timerecords&orgkey=acmelaw")
    yield "connect-more"
    make_connection(
        person.user,
        orgkey="harbourlegal",
        organisation_name=LONG_NAME,
        refresh_token_expires_at=now + timedelta(days=3),
    )
    make_connection(
        person.user, orgkey="slowlaw", organisation_name=RIGHT_TO_LEFT, consecutive_failures=5
    )
    make_connection(
        person.user,
        orgkey=LONG_KEY,
        organisation_name="W" * 100,
        status="reconnect_required",
        status_reason="refused",
    )
    make_connection(
        person.user, orgkey="former", status="disconnected", status_reason="ended_by_user"
    )
    page.goto(f"{url}/actionstep/")
    yield "connections-all"
    page.goto(f"{url}/actionstep/?choose=1&next=/")
    yield "connections-choose"
    session = person.browser.session
    session["actionstep_connect_other_organisation"] = {
        "wanted": LONG_KEY,
        "wanted_name": f"{LONG_NAME} ({LONG_KEY})",
        "got": "acmelaw",
        "next": "/actionstep/",
    }
    session.save()
    page.goto(f"{url}/actionstep/")
    yield "connections-other-organisation"
    page.goto(f"{url}/actionstep/connect/?orgkey={LONG_KEY}")
    yield "connect-again"
    page.goto(f"{url}/actionstep/connect/?scopes=never-allowed")
    yield "connect-not-allowed"
    page.goto(f"{url}/actionstep/disconnect/{good.pk}/")
    yield "disconnect"
    press(page, "Disconnect")
    yield "disconnected"
    for code in endings:
        page.context.add_cookies([{"name": ENDING_COOKIE, "value": told(code), "url": url}])
        page.goto(f"{url}/actionstep/connect/?problem={code}&next=/")
        yield f"ending-{code}"
    yield from rare_pages(page, url, person)


def walk_example(page: Page, url: str, sandbox: Sandbox, person: Person) -> Walk:
    """Pass by the example site's own pages and the sandbox's, from a stranger to trouble."""
    page.goto(f"{url}/")
    yield "home-stranger"
    page.goto(f"{url}/login/")
    yield "login"
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    press(page, "Sign in")
    yield "login-refused"
    sign_in(page.context, url, person)
    page.goto(f"{url}/")
    yield "home-not-connected"
    page.goto(f"{url}/time-records/")
    yield "time-records-first"
    press(page, "Continue to Actionstep")
    # Behind the page that leads there.
    expect(page.get_by_label("User name")).to_be_visible()
    yield "sandbox-sign-in"
    page.get_by_label("User name").fill("priya")
    page.get_by_label("Password").fill("wrong")
    press(page, "Sign in")
    yield "sandbox-sign-in-refused"
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    yield "sandbox-organisations"
    page.get_by_role("button", name="Acme Law").click()
    yield "sandbox-consent"
    press(page, "Allow")
    yield "time-records"
    page.goto(f"{url}/time-records/?text=affidavit&since=2026-10-02&until=2026-10-01")
    yield "time-records-filter-refused"
    page.get_by_role("link", name="Record time").click()
    yield "record-time"
    page.locator("form[method=post]").last.evaluate("form => form.noValidate = true")
    press(page, "Record")
    yield "record-time-refused"
    page.goto(f"{url}/matters/3/file-notes/")
    yield "file-notes-asked-for"
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    yield "file-notes"
    page.goto(f"{url}/changes/")
    yield "changes-asked-for"
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    yield "changes-not-heard-of"
    hear_of_a_change(person)
    page.goto(f"{url}/changes/")
    yield "changes"
    page.goto(f"{url}/")
    yield "home-connected"
    page.goto(f"{sandbox.url}/")
    yield "sandbox-console"
    sandbox.post("sandbox/faults", endpoint="api", fault="status_503", times=None)
    page.goto(f"{url}/time-records/")
    yield "time-records-problem"
    page.goto(f"{sandbox.url}/")
    yield "sandbox-console-faults"
    page.goto(f"{sandbox.url}/api/oauth/authorize?client_id=nobody")
    yield "sandbox-error"
    now = datetime.now(UTC)
    Connection.objects.update(refresh_token_expires_at=now + timedelta(days=2))
    page.goto(f"{url}/")
    yield "home-near-limit"
    Connection.objects.update(status="reconnect_required", status_reason="refused")
    page.goto(f"{url}/")
    yield "home-broken"
    make_connection(person.user, orgkey="otherlaw", status="reconnect_required")
    page.goto(f"{url}/")
    yield "home-several-broken"


def hear_of_a_change(person: Person) -> None:
    """Store what the example site keeps of a change that it heard of."""
    bearer = Connection.objects.get(user=person.user)
    place = {"environment": bearer.environment, "orgkey": bearer.orgkey}
    organisation = Organisation.objects.create(bearer=bearer, **place)
    Subscription.objects.create(
        organisation=organisation, event="ActionUpdated", registration=Registration.ACTIVE
    )
    MatterChange.objects.create(user=person.user, orgkey=bearer.orgkey, matter="7", name=LONG_NAME)


def walk_admin(page: Page, url: str, person: Person) -> Walk:
    """Pass by every page of the app's admin, in each state of a connection."""
    person.sign_in_as(User.objects.create_superuser("root"))
    sign_in(page.context, url, person)
    now = datetime.now(UTC)
    good = make_connection(person.user, orgkey="acmelaw", organisation_name=LONG_NAME)
    make_connection(
        person.user, orgkey="harbourlegal", refresh_token_expires_at=now + timedelta(days=3)
    )
    make_connection(person.user, orgkey="slowlaw", consecutive_failures=5, last_error="Status 500.")
    make_connection(
        person.user, orgkey="brokenlaw", status="reconnect_required", status_reason="refused"
    )
    make_connection(
        person.user, orgkey="former", status="disconnected", status_reason="ended_by_user"
    )
    ConnectionEvent.objects.create(connection=good, actor=person.user, kind=EventKind.CONNECTED)
    Heartbeat.objects.create(job=MAINTENANCE, started_at=now, finished_at=now, seconds=0.2)
    _, secret = subscribed("ActionUpdated", connection=good)
    call(secret, body_of(7))
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in ("actionstep_connect", "actionstep_connect_hooks"):
            continue
        for pattern in model_admin.get_urls():
            name = pattern.name or ""
            if not name:
                continue
            row = model._default_manager.first()
            assert row is not None, name
            about_one = "object_id" in str(pattern.pattern)
            response = page.goto(url + reverse(f"admin:{name}", args=[row.pk] if about_one else []))
            assert response
            if response.status != HTTPStatus.FORBIDDEN:  # No one adds, and little is deleted.
                yield name


@pytest.mark.parametrize(
    ("site", "endings"),
    [("own-base", [*FAILURES]), ("example", ["access_denied", "client_rejected"])],
    ids=["own-base", "example"],
)
@pytest.mark.long
def test_every_page_of_the_app_is_fit_to_be_seen(
    request: pytest.FixtureRequest,
    page: Page,
    look: Look,
    live_server: LiveServer,
    person: Person,
    site: str,
    endings: list[str],
) -> None:
    """On the bare base template and on a site's own: each page and ending fits, and axe is content."""
    if site == "example":
        request.getfixturevalue("example_site")
    sign_in(page.context, live_server.url, person)
    seen = look(walk_app(page, live_server.url, person, endings), site)
    ours = {f"actionstep_connect:{pattern.name}" for pattern in urls.urlpatterns}
    assert ours - NO_PAGES <= seen


@pytest.mark.long
def test_the_example_site_and_the_sandbox_are_fit_to_be_seen(
    page: Page,
    look: Look,
    live_server: LiveServer,
    sandbox: Sandbox,
    person: Person,
    example_site: None,
) -> None:
    """From a stranger's first look to a broken connection, each page fits, and axe is content."""
    seen = look(walk_example(page, live_server.url, sandbox, person), "example")
    shown = {name for name in names(get_resolver()) if ":" not in name}
    assert shown - NO_PAGES <= seen


@pytest.mark.long
def test_the_admin_is_fit_to_be_seen(
    page: Page, look: Look, live_server: LiveServer, person: Person
) -> None:
    """axe finds nothing serious in any page of the admin."""
    look(walk_admin(page, live_server.url, person), "admin", ours=False)


def test_the_first_key_skips_to_the_content(
    context: BrowserContext, live_server: LiveServer, person: Person, example_site: None
) -> None:
    """Tab and Enter lead past the header of the example site, to the first thing to do."""
    page = context.new_page()
    sign_in(context, live_server.url, person)
    page.goto(f"{live_server.url}/actionstep/connect/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Continue to Actionstep")).to_be_focused()
