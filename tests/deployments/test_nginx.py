"""A real nginx in front of a site with django-csp: it adds a second policy, and Chromium holds to both."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.deployments.running import Process
from tests.deployments.servers import wait_for_port
from tests.support.browser import at_actionstep, press, sign_in
from tests.support.chromium import running_chromium
from tests.support.free_port import free_ports
from tests.support.person import Person
from tests.support.scripted_site import POLICY, frame

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Stricter than the site's in one way, laxer in others.
NGINX_POLICY = "default-src 'self'; img-src 'none'; form-action 'self'"
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        add_header Content-Security-Policy "{policy}" always;
        location / {{
            proxy_pass {site};
            proxy_set_header Host $http_host;
        }}
    }}
}}
"""
#: Adds an element to the page, and gives the policy by which the browser does not load it.
REFUSED_BY = """element => new Promise(resolve => {
    document.addEventListener(
        "securitypolicyviolation", event => resolve(event.originalPolicy), { once: true });
    document.body.insertAdjacentHTML("beforeend", element);
})"""


@pytest.fixture
def browser(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser]:
    """Start Chromium."""
    # Playwright runs an event loop in this thread; Django would take queries for async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with (
        running_chromium(tmp_path_factory.mktemp("chromium")) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.connect_over_cdp(url)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> None:
    """Set the strict policy of django-csp, and put a frame of the site's around the pages."""
    base = tmp_path / "actionstep_connect" / "base.html"
    base.parent.mkdir()
    base.write_text(frame(""))
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.ROOT_URLCONF = "tests.support.scripted_site"
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": POLICY}
    settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE]


@pytest.fixture
def nginx(site: None, live_server: LiveServer, tmp_path: Path) -> Generator[str]:
    """Run nginx in front of the site, and give its address."""
    (port,) = free_ports(1)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=tmp_path, port=port, policy=NGINX_POLICY, site=live_server.url)
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(configuration), "-e", "stderr"]
    path = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"
    process = Process("nginx", command, {**os.environ, "PATH": path}, tmp_path / "nginx.log")
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


@pytest.fixture
def context(browser: Browser, nginx: str, transactional_db: None) -> Generator[BrowserContext]:
    """Open a browser in which a user is signed in."""
    with browser.new_context(base_url=nginx) as context:
        context.set_default_timeout(30_000)
        sign_in(context, nginx, Person())
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Open a tab."""
    return context.new_page()


def test_s49_leaving_works_behind_nginx_with_a_policy_of_its_own(
    page: Page, sandbox: Sandbox
) -> None:
    """One click leads to Actionstep and back, though both policies have `form-action 'self'`."""
    page.goto("/home/")
    press(page, "Connect Actionstep")
    press(page, "Continue to Actionstep")
    at_actionstep(page)
    expect(page.get_by_text("You are connected to acmelaw.")).to_be_visible()
    assert Connection.objects.count() == 1


def test_s49_a_sites_policy_is_whole_beside_nginxs(page: Page) -> None:
    """Two headers: the site's with all its directives and this package's own, and nginx's as it is."""
    answer = page.goto("/actionstep/connect/")
    assert answer
    policies = answer.header_values("content-security-policy")
    assert NGINX_POLICY in policies
    (own,) = (policy for policy in policies if policy != NGINX_POLICY)
    directives = {directive.strip() for directive in own.split(";")}
    site = {f"{name} {' '.join(sources)}" for name, sources in POLICY.items()}
    assert directives == site | {"frame-ancestors 'none'"}


def test_s49_chromium_holds_to_both_policies(page: Page) -> None:
    """nginx's alone refuses an image, the site's alone a frame, and this package's the page in a frame."""
    page.goto("/actionstep/connect/")
    image, frame = "<img src='/scripts/none.png'>", "<iframe src='/home/'></iframe>"
    assert page.evaluate(REFUSED_BY, image) == NGINX_POLICY
    assert "default-src 'none'" in page.evaluate(REFUSED_BY, frame)


def test_s49_no_page_of_another_site_frames_it(page: Page, nginx: str) -> None:
    """The policy of nginx allows frames; this package's own does not."""
    with page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
        page.set_content(f"<iframe src='{nginx}/actionstep/connect/'></iframe>")
