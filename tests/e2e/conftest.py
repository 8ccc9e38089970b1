"""A real Chromium for the tests that click. Every page they look at is kept as a picture."""

import os
import shutil
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django import Settings

from actionstep_connect.testing.end_user import PASSWORD
from tests.integration.connect.person import Person

ROOT = Path(__file__).resolve().parent.parent.parent
ARTIFACTS = ROOT / ".test-artifacts"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

#: Takes a picture of a page under a name.
Screenshot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Start the system's Chromium, once for a module.

    Not for the session: Playwright's event loop would still run under other modules' async tests.
    """
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        pytest.fail("Chromium is missing: apt-get install chromium, or run scripts/test")
    # Playwright runs an event loop in this thread; Django would take our queries for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*CHROMIUM_ARGUMENTS])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """Open a window of its own, without anybody's cookies."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(15_000)
        yield context.new_page()


@pytest.fixture
def screenshot() -> Screenshot:
    """Keep pictures under ``.test-artifacts/``."""
    ARTIFACTS.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)

    return take


@pytest.fixture
def example_site(settings: Settings) -> None:
    """Put the example site around the app: its base template, its pages, its style."""
    settings.INSTALLED_APPS = [
        "example_project",
        "django.contrib.humanize",
        *settings.INSTALLED_APPS,
    ]
    settings.ROOT_URLCONF = "example_project.urls"
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [ROOT / "templates"]}]
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "ALLOWED_SCOPES": [*own["SCOPES"], "filenotes"]}


def sign_in(
    context: BrowserContext,
    url: str,
    person: Person,
    *,
    same_site: Literal["Lax", "Strict"] = "Lax",
) -> None:
    """Give the browser the session that `person` has at the site."""
    session = person.browser.cookies["sessionid"].value
    context.add_cookies(
        [
            {
                "name": "sessionid",
                "value": session,
                "url": url,
                "httpOnly": True,
                "sameSite": same_site,
            }
        ]
    )


def press(page: Page, name: str) -> None:
    """Press the one button of this name."""
    page.get_by_role("button", name=name, exact=True).click()


def at_actionstep(page: Page, *, decision: str = "Allow", organisation: str = "Acme Law") -> None:
    """Go through both of the sandbox's pages as Priya."""
    page.get_by_label("User name").fill("priya")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    page.get_by_role("button", name=organisation).click()
    press(page, decision)
