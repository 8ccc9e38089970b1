"""The admin as it is looked at: on a telephone and on a small laptop, light and dark, when much is wrong."""

from collections.abc import Generator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.models import Connection, Heartbeat
from tests.support import law_firms
from tests.support.browser import Screenshot
from tests.support.connections import make_user

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),  # Many pages each, on a machine that may be busy.
]

LIST = "/admin/actionstep_connect/connection/"
LISTS = {
    "actionstep_connect/connectionevent": ("at", "kind", "who", "what"),
    "actionstep_connect_hooks/organisation": ("where", "as_whom", "checked"),
    "actionstep_connect_hooks/subscription": ("what", "hook", "heard"),
    "actionstep_connect_hooks/notification": ("received_at", "what", "became"),
}
SIZES = {"telephone": (375, 720), "laptop": (1280, 800)}


@pytest.fixture(params=[*SIZES])
def size(request: pytest.FixtureRequest) -> str:
    """Return each size in turn."""
    return str(request.param)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, size: str) -> Generator[Page]:
    """Open a tab for a superuser, the side bar of the admin open as Django opens it."""
    client = Client()
    client.force_login(make_user(username="root", is_staff=True, is_superuser=True))
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    with browser.new_context(viewport=viewport, base_url=live_server.url) as context:  # type: ignore[arg-type] # A TypedDict's.
        context.set_default_timeout(60_000)
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        yield context.new_page()


def edges(element: Locator) -> tuple[float, float]:
    box = element.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_warning_fits_its_box(page: Page, size: str, scheme: str, screenshot: Screenshot) -> None:
    """However long a name in it is, nothing of a warning is outside, and no mark-up is shown."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    law_firms.troubled()
    Heartbeat.objects.update(summary={"stopped_by": "keys"})
    for name in ("keys", "never-run"):
        if name == "never-run":
            Heartbeat.objects.all().delete()
        page.goto(LIST)
        screenshot(page, f"admin-sizes-{name}-{size}-{scheme}")
        alert = page.get_by_role("alert").first
        assert "`" not in alert.inner_text()
        assert alert.locator("code").count()
        assert alert.evaluate("element => element.scrollWidth <= element.clientWidth")
        assert edges(alert)[1] <= SIZES[size][0]
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_columns_that_matter_are_seen(
    page: Page, size: str, scheme: str, screenshot: Screenshot
) -> None:
    """On a laptop who, how, where and until when need no scrolling, beside the side bar and the filters."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    law_firms.troubled()
    page.goto(f"{LIST}?flag=failing" if size == "laptop" else LIST)
    screenshot(page, f"admin-sizes-list-{size}-{scheme}")
    page.goto(LIST)
    screenshot(page, f"admin-sizes-all-{size}-{scheme}")
    if size == "laptop":
        seen(page, "who", "condition", "organisation", "tokens")


def test_the_columns_of_what_happened_are_seen(page: Page, size: str) -> None:
    """So it is with events and with changes; on a telephone a list scrolls within its page."""
    law_firms.troubled()
    law_firms.hearing()
    for name, columns in LISTS.items():
        page.goto(f"/admin/{name}/")
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0], name
        if size == "laptop":
            seen(page, *columns)


def seen(page: Page, *columns: str) -> None:
    results = page.locator("#changelist .results")
    for column in columns:
        cell = page.locator(f"#result_list tbody .field-{column}").first
        assert edges(cell)[1] <= edges(results)[1] + 1, column
        assert edges(cell)[1] <= SIZES["laptop"][0], column


@pytest.mark.parametrize("size", ["telephone"], indirect=True)
def test_charts_keep_their_words_where_one_reads_from_right_to_left(
    page: Page, size: str, settings: Settings, screenshot: Screenshot
) -> None:
    """In Hebrew all that is written in a chart is within it."""
    settings.LANGUAGE_CODE = "he"
    law_firms.troubled()
    page.goto(LIST)
    screenshot(page, f"admin-sizes-hebrew-{size}")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    charts = page.locator(".actionstep-chart svg").all()
    for chart in charts:
        left, right = edges(chart)
        for words in chart.locator("text").all():
            begin, end = edges(words)
            assert left - 1 <= begin <= end <= right + 1, words.text_content()
    assert charts


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_disconnecting_from_the_list_asks_first(
    page: Page, size: str, scheme: str, screenshot: Screenshot
) -> None:
    """*Go* leads to a page with the names; *No* leads back and *Yes* ends those and no others."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    law_firms.healthy()
    page.goto(f"{LIST}?organisation=quaylegal")
    for box in page.locator("input.action-select").all()[:2]:
        box.check()
    page.get_by_label("Action:").select_option(label="Disconnect")
    page.locator("button[name=index]").click()
    expect(page.get_by_role("heading", name="Disconnect 2 connections?")).to_be_visible()
    screenshot(page, f"admin-sizes-ask-{size}-{scheme}")
    assert Connection.objects.filter(status="disconnected").count() == 0
    page.get_by_text("No, take me back").click()
    expect(page.get_by_label("Action:")).to_be_visible()
    assert Connection.objects.filter(status="disconnected").count() == 0
    for box in page.locator("input.action-select").all()[:2]:
        box.check()
    page.get_by_label("Action:").select_option(label="Disconnect")
    page.locator("button[name=index]").click()
    page.get_by_role("button", name="Yes, disconnect").click()
    expect(page.get_by_text("Disconnected, both tokens erased")).to_be_visible()
    assert Connection.objects.filter(status="disconnected").count() == 2
    ended = Connection.objects.filter(status="disconnected")[0]
    page.goto(f"{LIST}{ended.pk}/change/")
    screenshot(page, f"admin-sizes-ended-{size}-{scheme}")
