"""A site with a URLconf for each host, by the real django-hosts, under a real web server.

Its wheel has a top-level package `tests`, so it is installed into a folder that comes after this
checkout in the search path of the site's processes, and nowhere else.
"""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from actionstep_connect.testing.process import running_sandbox, running_server
from tests.support.connections import make_connection
from tests.support.documents import ROOT
from tests.support.workers import database_of_this_test

pytestmark = pytest.mark.django_db(transaction=True)

REQUIREMENT = "django-hosts==7.0.0"
READY = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")
WWW, CONNECT = "https://www.law.example", "https://connect.law.example"
REDIRECT_URI = f"{CONNECT}/actionstep/callback/"


@pytest.fixture(scope="module")
def django_hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install django-hosts into a folder."""
    folder = tmp_path_factory.mktemp("django-hosts")
    command = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), REQUIREMENT]
    subprocess.run([*command, "--python", sys.executable], check=True, timeout=120)
    return folder


class HostedSite:
    """The running site, and a browser in which a user is signed in."""

    def __init__(self, url: str, env: dict[str, str], user: User) -> None:
        self.env, self.user = env, user
        browser = Client()
        browser.force_login(user)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        self._http = httpx2.Client(
            base_url=url, timeout=30, trust_env=False, headers={"X-Forwarded-Proto": "https"}
        )
        self._cookies = {settings.SESSION_COOKIE_NAME: session}

    def request(self, method: str, address: str, **options: Any) -> httpx2.Response:
        """Ask for the page at `address`, of whichever host; keep the cookies of all of them."""
        parts = urlsplit(address)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        response = self._http.request(
            method,
            f"{parts.path}?{parts.query}",
            headers={"Host": parts.netloc, "Cookie": cookies, "Origin": f"https://{parts.netloc}"},
            **options,
        )
        # They are of the whole domain, which the client does not take from 127.0.0.1.
        for header in response.headers.get_list("set-cookie"):
            self._cookies |= {name: each.value for name, each in SimpleCookie(header).items()}
        return response

    def get(self, address: str) -> httpx2.Response:
        """Return the page at `address`."""
        return self.request("GET", address)

    def press(self, page: httpx2.Response, address: str) -> httpx2.Response:
        """Press the button of the connect page, which stands at `address`."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        form = {name: html.unescape(value) for name, value in found}
        return self.request("POST", address, data=form)

    def manage(self, *command: str) -> str:
        """Run a command of manage.py on the site, and return what it prints."""
        finished = subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout + finished.stderr


@pytest.fixture
def sandbox(tmp_path: Path) -> Generator[Sandbox]:
    """Yield a sandbox that knows the redirect URI of the site."""
    with running_sandbox(tmp_path, "--redirect-uri", REDIRECT_URI) as sandbox:
        yield sandbox


@pytest.fixture
def site(django_hosts: Path, sandbox: Sandbox, tmp_path: Path) -> Generator[HostedSite]:
    """Run the site, whose pages of this package are at one host of two."""
    given = {
        "actionstep_connect": {
            **settings.ACTIONSTEP_CONNECT,
            **sandbox.settings(),
            "REDIRECT_URI": REDIRECT_URI,
            "NOTIFY_USERS": True,
        },
        "database": database_of_this_test(),
    }
    env = os.environ | {
        "SITE_OF_A_TEST": json.dumps(given),
        "DJANGO_SETTINGS_MODULE": "tests.support.hosted_site.settings",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{django_hosts}",
        "LETTERS": str(tmp_path / "letters"),
        "HOME": str(tmp_path),  # Gunicorn keeps a socket there.
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"]
    application = ["tests.support.hosted_site.wsgi", "--timeout", "60"]
    user = User.objects.create_superuser("ada", email="ada@law.example")
    log = tmp_path / "server.log"
    with running_server([*command, *application], log=log, ready=READY, cwd=ROOT, env=env) as url:
        yield HostedSite(url, env, user)


def test_a_page_of_one_host_connects_at_the_other_and_comes_back(
    site: HostedSite, sandbox: Sandbox
) -> None:
    """The decorator leads to the host of REDIRECT_URI, Actionstep back to it, and that to the page."""
    asked = site.get(f"{WWW}/matters/").headers["Location"]
    assert asked.startswith(f"{CONNECT}/actionstep/connect/?")
    page = site.get(asked)
    assert page.status_code == 200
    away = site.press(page, asked)
    assert away.status_code == 302, away.text
    callback = sandbox.authorize(away.headers["Location"])
    assert callback.startswith(f"{CONNECT}/actionstep/callback/?")
    arrived = site.get(callback)
    assert arrived.headers["Location"] == f"{WWW}/matters/", arrived.text
    assert site.get(f"{WWW}/matters/").text == "connected to acmelaw"
    assert Connection.objects.get().user == site.user


def test_tags_on_the_host_without_the_pages_lead_to_the_one_that_has_them(
    site: HostedSite,
) -> None:
    """The button and the alert, with the whole way back."""
    make_connection(site.user, status="reconnect_required", status_reason="refused")
    page = site.get(f"{WWW}/home/").text
    addresses = re.findall(r'(?:action|href)="([^"]+)"', page)
    assert len(addresses) >= 2
    assert all(address.startswith(f"{CONNECT}/actionstep/") for address in addresses), addresses
    assert f'value="{WWW}/home/"' in page


def test_the_admin_on_the_host_without_the_pages_works(site: HostedSite) -> None:
    """The list, a connection, and each action's confirmation."""
    row = make_connection(site.user, status="reconnect_required", status_reason="refused")
    admin = f"{WWW}/admin/actionstep_connect/connection/"
    assert "acmelaw" in site.get(admin).text
    page = site.get(f"{admin}{row.pk}/change/")
    assert page.status_code == 200
    assert "NoReverseMatch" not in page.text


def test_an_e_mail_links_to_the_host_that_has_the_pages(site: HostedSite, tmp_path: Path) -> None:
    """A worker has no request, and its URLconf lacks the pages; REDIRECT_URI knows."""
    make_connection(
        site.user,
        status="reconnect_required",
        status_reason="refused",
        refresh_at=None,
        remind_at=datetime.now(UTC) - timedelta(minutes=1),
    )
    site.manage("actionstep_maintain")
    (letter,) = (tmp_path / "letters").iterdir()
    text = letter.read_text().replace("=\n", "").replace("=3D", "=")
    assert f"{CONNECT}/actionstep/connect/" in text
    assert f"{WWW}/actionstep" not in text


def test_checks_and_the_doctor_find_the_pages_at_their_host(site: HostedSite) -> None:
    """Neither calls the root URLconf, which lacks them, a fault."""
    assert "actionstep_connect.W03" not in site.manage("check")
    site.manage("actionstep_maintain")
    found = site.manage("actionstep_doctor")
    (line,) = (line for line in found.splitlines() if "redirect URI" in line)
    assert line.startswith("ok"), found
