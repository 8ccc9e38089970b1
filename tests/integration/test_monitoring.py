"""What a monitoring product keeps: real events of Sentry's SDK, around a site under a real web server."""

import gzip
import html
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import psutil
import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from actionstep_connect.models import Connection
from tests.support.canary import leaks
from tests.support.connections import make_user
from tests.support.documents import ROOT
from tests.support.free_port import free_ports
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.workers import database_of_this_test

pytestmark = pytest.mark.django_db(transaction=True)

START_SECONDS = 60
GZIP = b"\x1f\x8b"
CODE = "canary-code-0123456789"
SERVERS = {
    "gunicorn": [
        *("-m", "gunicorn", "tests.support.monitored_site:wsgi", "--timeout", "60"),
        *("--access-logfile", "-", "--access-logformat", '%(r)s q=%(q)s "%(f)s" %(s)s'),
    ],
    "uvicorn": ["-m", "uvicorn", "tests.support.monitored_site:asgi"],
}


class Monitored:
    """The running site, the token endpoint that it asks, and what Sentry was sent."""

    def __init__(
        self,
        url: str,
        process: "subprocess.Popen[bytes]",
        *,
        tokens: HostileServer,
        sentry: HostileServer,
        log: Path,
    ) -> None:
        self.url, self.process = url, process
        self.tokens, self.sentry, self.log = tokens, sentry, log
        user = make_user()
        browser = Client()
        browser.force_login(user)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        self.browser = httpx2.Client(
            base_url=url, cookies={settings.SESSION_COOKIE_NAME: session}, timeout=30
        )

    def set_out(self) -> str:
        """Press the button; return the state with which the user was sent to Actionstep."""
        page = self.browser.get("/actionstep/connect/").text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        form = {name: html.unescape(value) for name, value in fields.items()}
        response = self.browser.post(
            "/actionstep/connect/", data=form, headers={"Origin": self.url}
        )
        target = response.headers.get("Location") or response.text
        found = re.search(r"[?&](?:amp;)?state=([\w-]+)", html.unescape(target))
        assert found, response.text
        return found[1]

    def come_back(self, state: str, **headers: str) -> httpx2.Response:
        """Arrive at the callback with a code."""
        return self.browser.get(
            "/actionstep/callback/", params={"code": CODE, "state": state}, headers=headers
        )

    def secrets(self, state: str) -> dict[str, str]:
        """Return what no event may hold."""
        answer = json.loads(Answer(body=grant()).content)
        found = {"code": CODE, "state": state, "client secret": "sandbox-secret"}
        found |= {name: answer[name] for name in ("access_token", "refresh_token")}
        for request in self.tokens.requests:
            found |= {"verifier": request.form.get("code_verifier", "")}
        return found

    def worker(self) -> psutil.Process:
        """Return the process that answers."""
        (worker,) = psutil.Process(self.process.pid).children()
        return worker

    def events(self, *expected: str) -> str:
        """Return all that Sentry was sent, once it holds each of `expected`."""
        wait_until(lambda: all(each in self.sent() for each in expected), self.log)
        return self.sent()

    def sent(self) -> str:
        """Return all that Sentry was sent so far."""
        bodies = [request.body for request in self.sentry.requests]
        plain = [gzip.decompress(body) if body.startswith(GZIP) else body for body in bodies]
        return b"\n".join(plain).decode()


def wait_until(is_done: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while not is_done():
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)


@contextmanager
def running(server: str, folder: Path) -> Generator[Monitored]:
    (port,) = free_ports(1)
    given = {
        "actionstep_connect": dict(settings.ACTIONSTEP_CONNECT),
        "database": database_of_this_test(),
    }
    bind = ["--bind", f"127.0.0.1:{port}"] if server == "gunicorn" else ["--port", str(port)]
    url, log = f"http://127.0.0.1:{port}", folder / "server.log"
    with (
        HostileServer() as tokens,
        HostileServer() as sentry,
        log.open("w") as output,
    ):
        given["actionstep_connect"] |= {
            **tokens.settings(),
            "API_HOSTS": ["*.actionstep.com"],
            "HTTP_TIMEOUT": 20,
        }
        env = os.environ | {
            "SITE_OF_A_TEST": json.dumps(given),
            "SENTRY_DSN": f"http://key@{sentry.host}/1",
            "no_proxy": "*",
            "HOME": str(folder),  # Gunicorn keeps a socket there.
        }
        process = subprocess.Popen(
            [sys.executable, *SERVERS[server], *bind],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
        )
        try:
            wait_until(lambda: answers(url), log)
            site = Monitored(url, process, tokens=tokens, sentry=sentry, log=log)
            with site.browser:
                yield site
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def answers(url: str) -> bool:
    try:
        return bool(httpx2.get(f"{url}/actionstep/health/", timeout=10))
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize("server", SERVERS)
def test_s14_no_event_and_no_access_log_holds_a_code_or_a_state(
    settings: Settings, tmp_path: Path, server: str
) -> None:
    """A callback that works, one that fails after the page, and one that fails before it is reached."""
    with running(server, tmp_path) as site:
        states = [site.set_out() for _ in range(3)]
        assert site.come_back(states[0]).status_code == 302
        assert Connection.objects.count() == 1
        for state, when in zip(states[1:], ("after", "before"), strict=True):
            assert site.come_back(state, **{"X-Fail": when}).status_code == 500
        events = site.events('"value":"before"', '"value":"after"', '"type":"transaction"')
        for state in states:
            assert leaks(events, site.secrets(state)) == []
        assert '"transaction":"/actionstep/callback/"' in events
        log = site.log.read_text()
        reached = "\n".join(line for line in log.splitlines() if " 302" in line)
        assert "/actionstep/callback/" in reached
        assert leaks(reached, site.secrets(states[0])) == []


def test_s51_a_web_servers_time_out_in_the_exchange_shows_no_secret(
    settings: Settings, tmp_path: Path
) -> None:
    """Gunicorn aborts a worker in the exchange: no reported frame holds a secret, and it is stored."""
    with running("gunicorn", tmp_path) as site, ThreadPoolExecutor(1) as thread:
        gate = threading.Event()
        site.tokens.answer(body=grant(), gate=gate)
        state = site.set_out()
        coming_back = thread.submit(site.come_back, state)
        wait_until(lambda: bool(site.tokens.requests), site.log)
        # As its arbiter does once `timeout` is over; that kills the worker a second later.
        site.worker().send_signal(signal.SIGABRT)
        gate.set()
        with suppress(httpx2.TransportError):  # Gunicorn hangs up, or answers 500.
            coming_back.result(START_SECONDS)
        events = site.events('"type":"SystemExit"', '"function":"shielded"')
        assert leaks(events, site.secrets(state)) == []
        assert site.tokens.requests[0].form["code"] == CODE
        assert Connection.objects.count() == len(site.tokens.requests) == 1
