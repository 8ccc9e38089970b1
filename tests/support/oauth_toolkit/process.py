"""The second authorization server as the tests meet it: a real process behind a real port."""

import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx2

from actionstep_connect.testing.process import running_server
from tests.support.oauth_toolkit.vocabulary import CLIENT_ID, CLIENT_SECRET, PASSWORD, USERNAME

ROOT = Path(__file__).resolve().parents[3]
READY = re.compile(r"Ready at (http://127\.0\.0\.1:\d+)/")
HIDDEN_FIELD = re.compile(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?')


@dataclass(frozen=True)
class AuthorizationServer:
    """A running server, spoken to over HTTP alone."""

    url: str

    def settings(self) -> dict[str, Any]:
        """Return the members of ``ACTIONSTEP_CONNECT`` that lead here."""
        return {
            "ENVIRONMENT": "toolkit",
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "AUTHORIZE_URL": f"{self.url}/authorize/",
            "TOKEN_URL": f"{self.url}/token/",
            "API_HOSTS": [self.url.removeprefix("http://")],
        }

    def answer(self, authorization_url: str, *, allow: bool = True) -> str:
        """Sign in as the end-user, allow or cancel, and return the address that leads back."""
        with httpx2.Client(trust_env=False, verify=False, timeout=10) as browser:
            page = self._follow(browser, browser.get(authorization_url))
            if 'name="password"' in page.text:
                page = self._submit(browser, page, username=USERNAME, password=PASSWORD)
            if 'id="authorizationForm"' in page.text:
                page = self._submit(browser, page, **({"allow": "Authorize"} if allow else {}))
            assert page.has_redirect_location, page.text
            return str(page.headers["Location"])

    def present(self, refresh_token: str) -> httpx2.Response:
        """Present a refresh token as the client would, even if another party has it."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return httpx2.post(f"{self.url}/token/", data=form | client, timeout=10)

    def _submit(
        self, browser: httpx2.Client, page: httpx2.Response, **fields: str
    ) -> httpx2.Response:
        kept = {name: unescape(value) for name, value in HIDDEN_FIELD.findall(page.text)}
        return self._follow(browser, browser.post(page.url, data=kept | fields))

    def _follow(self, browser: httpx2.Client, page: httpx2.Response) -> httpx2.Response:
        """Go where it leads while that is on this very server; never on after an error."""
        while page.has_redirect_location:
            target = page.url.join(page.headers["Location"])
            if not str(target).startswith(f"{self.url}/"):
                return page
            page = browser.get(target)
        assert page.status_code < 400, page.text
        return page


@contextmanager
def running_toolkit(folder: Path, *, redirect_uri: str) -> Generator[AuthorizationServer]:
    """Run a server of one's own until the block ends, its database and output in `folder`."""
    command = [sys.executable, "-u", "-m", "tests.support.oauth_toolkit", redirect_uri]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = folder / "oauth-toolkit.log"
    with running_server(command, log=log, ready=READY, cwd=folder, env=environment) as url:
        yield AuthorizationServer(url)
