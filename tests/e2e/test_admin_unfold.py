"""This package's admin under django-unfold, another theme, on a site of its own in another process."""

import os
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest
from django.db import connection as database
from django.test import Client
from playwright.sync_api import Browser, expect

from actionstep_connect.models import Connection
from tests.support import law_firms
from tests.support.browser import Screenshot
from tests.support.connections import make_user
from tests.support.free_port import free_ports

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parents[2]
TIMEOUT = 40  # seconds for a site to start
LIST = "/admin/actionstep_connect/connection/"


@pytest.fixture
def site(transactional_db: None, tmp_path: Path) -> Generator[str]:
    """Run the site on the database of this test, and give its address."""
    [port] = free_ports(1)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.support.unfold_settings",
        "DATABASE_NAME": str(database.settings_dict["NAME"]),
    }
    command = [sys.executable, "-m", "django", "runserver", "--noreload", "--insecure"]
    log = tmp_path / "site.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            [*command, f"127.0.0.1:{port}"],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, log)
            yield url
        finally:
            process.terminate()
    assert "Traceback" not in log.read_text()


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            httpx2.get(f"{url}/admin/login/").raise_for_status()
        except httpx2.HTTPError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_admin_works_under_unfold(
    browser: Browser, site: str, screenshot: Screenshot, scheme: str
) -> None:
    """The overview, the filters, one connection and its buttons are all there and work."""
    law_firms.troubled()
    client = Client()
    client.force_login(make_user(username="root", is_staff=True, is_superuser=True))
    with browser.new_context(
        base_url=site,
        viewport={"width": 1440, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    ) as context:
        cookie = client.cookies["sessionid"]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
        page = context.new_page()
        page.goto(LIST)
        expect(page.get_by_role("heading", name="2 connections need")).to_be_visible()
        expect(page.get_by_role("img", name="The last 24 hours")).to_be_visible()
        screenshot(page, f"unfold-{scheme}-list")
        page.get_by_role("link", name="1 near their limit").click()
        expect(page.get_by_role("link", name="ben.whitaker")).to_have_count(0)
        page.get_by_role("link", name="chloe.duval").click()
        expect(page.get_by_text("Connection history")).to_be_visible()
        screenshot(page, f"unfold-{scheme}-one")
        page.get_by_text("Disconnect…").click()
        page.get_by_role("button", name="Disconnect", exact=True).click()
        expect(page.get_by_text("Disconnected, both tokens erased")).to_be_visible()
        page.goto(LIST)
        page.locator("a").filter(has_text="Filters").click()
        page.get_by_label("Key of the organisation").fill("quaylegal")
        screenshot(page, f"unfold-{scheme}-filters")
        page.get_by_role("button", name="Filter", exact=True).click()
        expect(page.get_by_role("link", name="farid.haddad")).to_be_visible()
        expect(page.get_by_role("link", name="priya.nair")).to_have_count(0)
        screenshot(page, f"unfold-{scheme}-filtered")
    assert Connection.objects.get(user__username="chloe.duval").sealed_refresh_token == ""
