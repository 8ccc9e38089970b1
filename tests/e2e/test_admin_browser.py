"""The admin in a real Chromium: a superuser, staff who may look, and staff who may not."""

import re
from collections.abc import Callable, Generator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.models import Connection, ConnectionEvent, EventKind, Heartbeat, Status
from actionstep_connect.testing import Sandbox
from tests.support import law_firms
from tests.support.browser import Screenshot
from tests.support.connections import make_user, sandbox_connections

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/actionstep_connect/connection/"
NARROW, WIDE = ViewportSize(width=320, height=640), ViewportSize(width=1440, height=900)

#: Opens a tab in which this user is signed in.
SignIn = Callable[[User], Page]


@pytest.fixture
def sign_in(browser: Browser, live_server: LiveServer) -> Generator[SignIn]:
    """Return what signs a user in, in a browser of their own; no page may raise an error or miss a file."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_for(user: User) -> Page:
        client = Client()
        client.force_login(user)
        context = browser.new_context(viewport=WIDE, base_url=live_server.url)
        context.set_default_timeout(15_000)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        # The list needs the room; the side bar is Django's, and one click away.
        context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "response",
            lambda each: (
                faults.append(f"{each.status} {each.url}")
                if each.status >= 400 and each.request.resource_type != "document"
                else None
            ),
        )
        return page

    yield open_for
    for context in contexts:
        context.close()
    assert faults == []


def superuser() -> User:
    return make_user(username="root", is_staff=True, is_superuser=True)


def staff(*permissions: str) -> User:
    user = make_user(username="sam", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def choose(page: Page, action: str) -> None:
    page.get_by_label("Action:").select_option(label=action)
    page.locator("button[name=index]").click()


def rows(page: Page) -> Locator:
    return page.locator("#result_list tbody tr")


def overflow(page: Page) -> int:
    """Return by how many pixels the page itself is wider than the window."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def test_a_superuser_sees_a_healthy_site_at_a_glance(
    sign_in: SignIn, screenshot: Screenshot
) -> None:
    """One sentence says that all is well; the numbers lead to their lists, by keyboard as well."""
    law_firms.healthy()
    page = sign_in(superuser())
    page.goto(LIST)
    expect(page.get_by_role("heading", name="All is well")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    for name in ("Refresh tokens by days left", "The last 24 hours"):
        expect(page.get_by_role("img", name=name)).to_be_visible()
    screenshot(page, "admin-healthy")
    page.get_by_role("link", name="0 to be reconnected").focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(0)
    expect(page.get_by_text("Clear all filters")).to_be_visible()


def test_a_superuser_helps_whoever_is_in_trouble(sign_in: SignIn, screenshot: Screenshot) -> None:
    """From the number to the list, to one connection, its history and its next refresh."""
    law_firms.troubled()
    page = sign_in(superuser())
    page.goto(LIST)
    expect(page.get_by_role("heading", name="2 connections need to be reconnected")).to_be_visible()
    screenshot(page, "admin-troubled")
    page.get_by_role("link", name="1 near their limit").click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="chloe.duval").click()
    expect(page.get_by_text("It is retried in")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="flagged")).to_contain_text("6 days left")
    screenshot(page, "admin-one-connection")
    page.get_by_role("link", name="All connections of this user").click()
    expect(rows(page)).to_have_count(1)


def test_a_superuser_refreshes_disconnects_and_deletes(
    sign_in: SignIn, sandbox: Sandbox, screenshot: Screenshot
) -> None:
    """Each outcome is told in words and kept in the history; what erases is asked about first."""
    connection = sandbox_connections(sandbox, 1)[0]
    page = sign_in(superuser())
    page.goto(f"{LIST}{connection.pk}/change/")
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_text(f"Refreshed: {connection.user.get_username()}")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="refresh asked for")).to_contain_text(
        "root"
    )
    connection.refresh_from_db()
    assert connection.generation == 2
    expect(page.get_by_role("button", name="Disconnect", exact=True)).to_be_hidden()
    page.get_by_text("Disconnect…").click()
    screenshot(page, "admin-disconnect")
    page.get_by_role("button", name="Disconnect", exact=True).click()
    expect(page.get_by_text("Disconnected, both tokens erased")).to_be_visible()
    connection.refresh_from_db()
    assert connection.status == Status.DISCONNECTED
    page.locator("a.deletelink").click()
    expect(page.get_by_text("Are you sure")).to_be_visible()
    screenshot(page, "admin-delete")
    page.get_by_role("button", name="sure").click()
    expect(page.get_by_text("was deleted successfully")).to_be_visible()
    assert not Connection.objects.exists()


def test_staff_who_may_look_can_neither_act_nor_edit(
    sign_in: SignIn, screenshot: Screenshot
) -> None:
    """With the view permission alone there is the list, a page to read, and an export."""
    law_firms.healthy()
    page = sign_in(staff("view_connection"))
    page.goto("/admin/")
    page.get_by_role("link", name="Connections", exact=True).click()
    options = page.get_by_label("Action:").locator("option")
    expect(options).to_have_text([re.compile(r"-"), "Export as CSV"])
    page.get_by_label("Key of the organisation").fill("quaylegal")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Select all objects on this page for an action").check()
    with page.expect_download() as download:
        choose(page, "Export as CSV")
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 5
    assert "quaylegal" in lines[1]
    page.goto(LIST)
    page.get_by_role("link", name="priya.nair").click()
    expect(page.get_by_text("Connection history")).to_be_visible()
    main = page.locator("#content")
    expect(main.locator("input:not([type=hidden]), select, textarea, button")).to_have_count(0)
    expect(page.locator("a.deletelink")).to_have_count(0)
    screenshot(page, "admin-view-only")


def test_staff_without_permission_meet_a_closed_door(sign_in: SignIn) -> None:
    """Neither the index, nor the list, nor a connection tells them that anybody is connected."""
    law_firms.healthy()
    page = sign_in(staff())
    page.goto("/admin/")
    expect(page.get_by_role("link", name="Connections")).to_have_count(0)
    for path in (LIST, f"{LIST}{Connection.objects.all()[0].pk}/change/"):
        response = page.goto(path)
        assert response is not None
        assert response.status == 403
        expect(page.get_by_text("priya")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_every_page_fits_the_window(
    sign_in: SignIn, screenshot: Screenshot, scheme: str, size: ViewportSize
) -> None:
    """Light and dark, narrow and wide: what is wider than the window scrolls within the page."""
    law_firms.troubled()
    Heartbeat.objects.update(summary={"stopped_by": "client_rejected"})
    page = sign_in(superuser())
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    connection = Connection.objects.get(user__username="chloe.duval")
    ConnectionEvent.objects.create(
        connection=connection, kind=EventKind.RECOVERED, at=datetime.now(UTC)
    )
    name = f"admin-{scheme}-{size['width']}"
    page.goto(LIST)
    screenshot(page, f"{name}-list")
    assert overflow(page) == 0
    page.goto(f"{LIST}{connection.pk}/change/")
    screenshot(page, f"{name}-one")
    assert overflow(page) == 0
    expect(page.get_by_text("Connection history")).to_be_visible()
