"""Every page that a person can meet, in a real Chromium: it fits, and axe-core finds no fault with it.

A picture of each is kept under ``.test-artifacts/``, light and dark, narrow and wide.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from actionstep_connect import urls
from actionstep_connect.models import Connection, ConnectionEvent, EventKind, Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.testing import Sandbox
from actionstep_connect.testing.end_user import PASSWORD
from actionstep_connect.wording import ENDINGS
from tests.connections import make_connection
from tests.e2e.conftest import Screenshot, at_actionstep, press, sign_in
from tests.integration.connect.person import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),  # Some fifty pages each, on a machine that may be busy.
]

SIZES = [ViewportSize(width=320, height=640), ViewportSize(width=1280, height=800)]
LONG_KEY = "a-firm-with-a-very-long-key-" * 3

#: URL names that show no page of their own: they lead on, or answer machines.
NO_PAGES = {"actionstep_connect:callback", "actionstep_connect:health", "logout"}

#: Parts of the admin that are not ours to mend.
DJANGOS_OWN = [".breadcrumbs"]

axe = Axe()

#: Goes to one page after another, and gives the name of each.
Walk = Iterator[str]
#: Takes a walk, and returns the names of the URLs that were seen.
Look = Callable[..., set[str]]


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Give a user of the site."""
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


@pytest.fixture(params=["light", "dark"])
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Page:
    """Open a tab in this colour scheme."""
    page = context.new_page()
    page.emulate_media(color_scheme=request.param)
    return page


@pytest.fixture
def look(page: Page, request: pytest.FixtureRequest, screenshot: Screenshot) -> Look:
    """Look at each page of a walk, wide and narrow, with axe, and into a picture."""
    scheme = request.node.callspec.params["page"]

    def look_at(walk: Walk, site: str, *, ours: bool = True) -> set[str]:
        faults, seen = [], set()
        for name in walk:
            if ours:
                faults += [f"{name}: {fault}" for fault in unreached(page)]
            for size in SIZES:
                page.set_viewport_size(size)
                screenshot(page, f"{site}-{name}-{scheme}-{size['width']}")
                faults += [
                    f"{name} {size['width']}: {fault}" for fault in outline(page, size) if ours
                ]
            faults += [f"{name}: {fault}" for fault in violations(page, strict=ours)]
            with suppress(Resolver404):
                seen.add(resolve(urlsplit(page.url).path).view_name)
        assert not faults, "\n".join(faults)
        return seen

    return look_at


def violations(page: Page, *, strict: bool) -> Iterator[str]:
    """Yield what axe-core finds: everything on our pages, what is serious on Django's."""
    context = None if strict else {"exclude": DJANGOS_OWN}
    for each in cast("list[dict[str, Any]]", axe.run(page, context).response["violations"]):
        if strict or each["impact"] in ("serious", "critical"):
            nodes = [f"{node['html']} {node['failureSummary']}" for node in each["nodes"]]
            yield f"{each['impact']} {each['id']}: {'; '.join(nodes)}"


def outline(page: Page, size: ViewportSize) -> Iterator[str]:
    """Yield what is wrong with the bones of a page of ours."""
    if page.locator("html").evaluate("element => element.scrollWidth") > size["width"]:
        yield "scrolls sideways"
    if page.locator("h1").count() != 1:
        yield "has no single first heading"
    if page.locator("script").count():
        yield "runs a script"
    if not page.locator("html").get_attribute("lang"):
        yield "names no language"


CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
FOCUSED = """() => {
    const { dataset } = document.activeElement;
    const outline = getComputedStyle(document.activeElement).outlineStyle;
    if (outline !== "none" || !dataset.reached) dataset.reached = outline;
}"""
#: A date takes its day, its month, its year and its calendar one after the other.
STOPS_OF_A_DATE = 4


def unreached(page: Page) -> Iterator[str]:
    """Yield the controls that Tab does not reach, or that do not show it."""
    controls = page.locator(CONTROLS)
    dates = page.locator("input[type=date]").count()
    # Once more, for the end of the page comes between.
    for _ in range(controls.count() + dates * (STOPS_OF_A_DATE - 1) + 1):
        page.keyboard.press("Tab")
        page.evaluate(FOCUSED)
    for control in controls.all():
        shown = control.get_attribute("data-reached")
        if shown in (None, "none"):
            how = "does not show" if shown else "is not reached by"
            yield f"{control.evaluate('element => element.outerHTML')} {how} the focus"


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
    good = make_connection(person.user, orgkey="acmelaw", granted_scopes=["actions", "new_one"])
    page.goto(f"{url}/actionstep/")
    yield "connections-good"
    page.goto(f"{url}/actionstep/connect/?scopes=actions%20timerecords&orgkey=acmelaw")
    yield "connect-more"
    make_connection(
        person.user, orgkey="harbourlegal", refresh_token_expires_at=now + timedelta(days=3)
    )
    make_connection(person.user, orgkey="slowlaw", consecutive_failures=5)
    make_connection(
        person.user, orgkey=LONG_KEY, status="reconnect_required", status_reason="refused"
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
        page.goto(f"{url}/actionstep/connect/?problem={code}&next=/")
        yield f"ending-{code}"


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


def walk_admin(page: Page, url: str, person: Person) -> Walk:
    """Pass by every page of the app's admin, in each state of a connection."""
    person.sign_in_as(User.objects.create_superuser("root"))
    sign_in(page.context, url, person)
    now = datetime.now(UTC)
    good = make_connection(person.user, orgkey="acmelaw")
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
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label != "actionstep_connect":
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
            if response.status != HTTPStatus.FORBIDDEN:  # Nobody adds, and little is deleted.
                yield name


@pytest.mark.parametrize(
    ("site", "endings"),
    [("own-base", [*ENDINGS]), ("example", ["access_denied", "client_rejected"])],
    ids=["own-base", "example"],
)
def test_every_page_of_the_app_is_fit_to_be_seen(
    request: pytest.FixtureRequest,
    page: Page,
    look: Look,
    live_server: LiveServer,
    person: Person,
    site: str,
    endings: list[str],
) -> None:
    """On our bare base and on a site's own: each page and ending fits, and axe is content."""
    if site == "example":
        request.getfixturevalue("example_site")
    sign_in(page.context, live_server.url, person)
    seen = look(walk_app(page, live_server.url, person, endings), site)
    ours = {f"actionstep_connect:{pattern.name}" for pattern in urls.urlpatterns}
    assert ours - NO_PAGES <= seen


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


def test_the_admin_is_fit_to_be_seen(
    page: Page, look: Look, live_server: LiveServer, person: Person
) -> None:
    """axe finds nothing serious in any page of our admin."""
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
