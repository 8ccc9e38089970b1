"""A real Chromium for the tests that click. Every page they look at is kept as a picture."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from django.db import connection as database
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import Settings

from actionstep_connect.hooks import registry
from example_project.models import MatterChange
from tests.support.browser import Screenshot
from tests.support.chromium import running_chromium

ROOT = Path(__file__).resolve().parent.parent.parent
ARTIFACTS = ROOT / ".test-artifacts"


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Start the system's Chromium, once for all browser tests of this process; give its address."""
    with running_chromium(tmp_path_factory.mktemp("chromium")) as url:
        yield url


@pytest.fixture(scope="module")
def browser(chromium: str) -> Generator[Browser]:
    """Connect to Chromium, once for a module.

    Not for the session: Playwright's event loop would still run under other modules' async tests.
    """
    # Playwright runs an event loop in this thread; Django would take these tests' queries for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium)
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
        # Some six hundred of them: JPEG costs a third less time than PNG.
        page.screenshot(path=ARTIFACTS / f"{name}.jpg", type="jpeg", quality=80, full_page=True)

    return take


@pytest.fixture
def example_site(settings: Settings, transactional_db: None) -> Generator[None]:
    """Put the example site around the app: its base template, its pages, its style, its table."""
    settings.INSTALLED_APPS = [
        "example_project",
        "django.contrib.humanize",
        *settings.INSTALLED_APPS,
    ]
    settings.ROOT_URLCONF = "example_project.urls"
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [ROOT / "templates"]}]
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {
        **own,
        "ALLOWED_SCOPES": [*own["SCOPES"], "filenotes", "resthooks"],
    }
    with database.schema_editor() as schema:
        schema.create_model(MatterChange)
    yield
    with database.schema_editor() as schema:
        schema.delete_model(MatterChange)
    registry._handlers.clear()  # Other tests' sites do not hear of changes.
