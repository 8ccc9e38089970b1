"""Play the main job without a browser: ``python -m example_project.demo.story SITE SANDBOX LOGS``.

It walks through the same pages and forms as a person would, prints one line for each step with its
time, and ends with 0; or with 1, the step that failed, and the tail of the right process's log.
It runs in the environment of the demo's own processes.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import django
import httpx2

from example_project.demo import hours
from example_project.demo.browser import Browser, BrowserError, Page
from example_project.demo.processes import tail
from example_project.demo.stage import ADMIN, PASSWORD, USERS

START_SECONDS = 20
REFRESH_SECONDS = 30
HOOK_SECONDS = 30
#: A change is to be seen within two seconds; a busy machine may take longer.
CHANGE_SECONDS = 10
POLL_SECONDS = 0.25
LOG_DELAY_SECONDS = 0.5

#: An access token lives an hour, and is renewed ten minutes before that at the latest.
UNTIL_DUE = timedelta(minutes=55)
UNTIL_EXPIRED = timedelta(minutes=10)

SANDBOX_USER = "priya"
SANDBOX_PASSWORD = "sandbox-password"  # noqa: S105 - printed on the sandbox's sign-in page.
ORGKEY = "acmelaw"
RENAMED = "Okafor v Lindqvist"
WORK = "Settling the statement of claim"


class Story:
    """One user and one admin, each in a browser of their own."""

    def __init__(self, site: str, sandbox: str) -> None:
        self.site = site
        self.sandbox = sandbox
        self.user = Browser()
        self.admin = Browser()
        self.page = Page("about:blank")
        self.first_rows: tuple[tuple[str, ...], ...] = ()

    def wait_for_start(self) -> str:
        """Open both front pages."""
        for url in (f"{self.sandbox}/", f"{self.site}/"):
            _wait_until(partial(_answers, self.user, url), START_SECONDS, f"{url} is silent")
        return "the site and the sandbox are up"

    def sign_in(self) -> str:
        """Sign in to the example site."""
        self.page = _sign_in(self.user, f"{self.site}/login/", USERS[0])
        return f"{USERS[0]} signed in to the site"

    def ask(self) -> str:
        """Click Connect Actionstep, and end up at the sandbox."""
        while not self.page.url.startswith(self.sandbox):
            form = self.page.form(action="/connect/")
            self.page = self.user.submit(self.page, form)
        return "went to connect Actionstep"

    def authorize(self) -> str:
        """Sign in there, choose an organisation, and allow what is asked for."""
        credentials = {"username": SANDBOX_USER, "password": SANDBOX_PASSWORD}
        self.page = self.user.submit(self.page, self.page.form("username"), credentials)
        self.page = self.user.submit(self.page, self.page.form("orgkey"), {"orgkey": ORGKEY})
        consent = self.page.form("decision")
        self.page = self.user.submit(self.page, consent, {"decision": "allow"})
        if not self.page.url.startswith(self.site):
            raise BrowserError(f"did not come back to the site: {self.page.excerpt}")
        if self._grant() is None:
            raise BrowserError("the sandbox knows of no connection")
        return f"{SANDBOX_USER} allowed it at {ORGKEY}, and the site is connected"

    def fetch(self) -> str:
        """Read the time records as this user."""
        self.first_rows = self._fetch()
        return f"fetched {len(self.first_rows)} time records as {SANDBOX_USER}"

    def record(self) -> str:
        """Add a time record, and see that Actionstep logged it against this user."""
        page = self.user.get(f"{self.site}/time-records/new/")
        form = page.form("hours", "matter")
        work = {"hours": "1.5", "matter": form.choices["matter"][-1], "description": WORK}
        page = self.user.submit(page, form, work)
        if WORK not in page.rows[0]:
            raise BrowserError(f"the time record is not at the top of the list: {page.excerpt}")
        logged = next(each for each in self._state()["activity"] if each["method"] == "POST")
        if (logged["resource"], logged["user"]) != ("timerecords", SANDBOX_USER):
            raise BrowserError(f"the sandbox logged {logged['resource']} of {logged['user']}")
        self.first_rows = page.rows
        return f"recorded 1.5 hours, logged against {SANDBOX_USER}"

    def grant_more(self) -> str:
        """Open file notes, which need one scope more, and allow it on the way."""
        self.page = self.user.get(f"{self.site}/matters/1/file-notes/")
        self.ask()
        self.authorize()
        if "File notes of" not in self.page.text:
            raise BrowserError(f"did not come back to the file notes: {self.page.excerpt}")
        return f"{SANDBOX_USER} allowed file notes too, and came back to them"

    def hear_of_change(self) -> str:
        """Open the changes, which need one scope more; rename a matter, and see it there."""
        url = f"{self.site}/changes/"
        self.page = self.user.get(url)
        self.ask()
        self.authorize()
        _wait_until(
            lambda: "does not tell this site" not in self.user.get(url).text,
            HOOK_SECONDS,
            "no hook was registered",
        )
        renamed = {"resource": "actions", "id": 7, "row": {"name": RENAMED}}
        httpx2.post(f"{self.sandbox}/sandbox/change", json=renamed, timeout=5, trust_env=False)
        begun = time.monotonic()
        _wait_until(
            lambda: RENAMED in self.user.get(url).text, CHANGE_SECONDS, "the change is not shown"
        )
        seconds = time.monotonic() - begun
        self.first_rows = self._fetch()  # With the new name.
        return f"a matter was renamed, and shown on the site {seconds:.1f} s later"

    def wait_for_refresh(self) -> str:
        """Let 55 minutes pass, and the worker and beat renew the token."""
        hours.let_pass(UNTIL_DUE, sandbox=self.sandbox)
        _wait_until(
            lambda: self._rotations() > 0, REFRESH_SECONDS, "the worker refreshed nothing in time"
        )
        return "55 minutes passed, and the worker refreshed the token automatically"

    def fetch_again(self) -> str:
        """Read the time records with the new token, once the first one is worth nothing."""
        hours.let_pass(UNTIL_EXPIRED, sandbox=self.sandbox)
        if self._token(0)["access"] == "valid":
            raise BrowserError("the first token lives on")
        if self._fetch() != self.first_rows:
            raise BrowserError("the new token shows other time records")
        return "10 more passed, the first token expired, and the new one fetched them again"

    def look_into_admin(self) -> str:
        """Find the connection in the Django admin."""
        _sign_in(self.admin, f"{self.site}/admin/login/?next=/admin/", ADMIN)
        page = self.admin.get(f"{self.site}/admin/actionstep_connect/connection/")
        for wanted in (USERS[0], ORGKEY):
            if wanted not in page.text:
                raise BrowserError(f"the admin does not show {wanted}: {page.excerpt}")
        return f"{ADMIN} found the connection in the Django admin"

    def disconnect(self) -> str:
        """End the connection, and see that the time records are out of reach."""
        page = self.user.get(f"{self.site}/actionstep/")
        question = self.user.submit(page, page.form(action="/disconnect/"))
        self.user.submit(question, question.form(action="/disconnect/"))
        page = self.user.get(f"{self.site}/time-records/")
        if page.rows:
            raise BrowserError("the time records are still shown")
        return f"{USERS[0]} disconnected"

    def _fetch(self) -> tuple[tuple[str, ...], ...]:
        page = self.user.get(f"{self.site}/time-records/")
        if not page.rows:
            raise BrowserError(f"no time records at {page.url}: {page.excerpt}")
        return page.rows

    def _state(self) -> dict[str, Any]:
        answer = httpx2.get(f"{self.sandbox}/sandbox/state", timeout=5, trust_env=False)
        state: dict[str, Any] = answer.json()
        return state

    def _grant(self) -> dict[str, Any] | None:
        grants = [
            grant
            for grant in self._state()["connections"]
            if grant["user"] == SANDBOX_USER and not grant["revoked_at"]
        ]
        return grants[-1] if grants else None

    def _rotations(self) -> int:
        grant = self._grant()
        if grant is None:
            raise BrowserError("the sandbox has revoked the connection")
        return int(grant["rotations"])

    def _token(self, number: int) -> dict[str, Any]:
        grant = self._grant()
        if grant is None:
            raise BrowserError("the sandbox has revoked the connection")
        token: dict[str, Any] = grant["tokens"][number]
        return token


#: The steps in their order, each with the process to blame if it fails.
STEPS: tuple[tuple[str, Callable[[Story], str]], ...] = (
    ("site", Story.wait_for_start),
    ("site", Story.sign_in),
    ("site", Story.ask),
    ("sandbox", Story.authorize),
    ("site", Story.fetch),
    ("site", Story.record),
    ("site", Story.grant_more),
    ("worker", Story.hear_of_change),
    ("worker", Story.wait_for_refresh),
    ("site", Story.fetch_again),
    ("site", Story.look_into_admin),
    ("site", Story.disconnect),
)


def main(site: str, sandbox: str, logs: Path) -> int:
    """Play every step; stop at the first that fails."""
    story = Story(site, sandbox)
    beginning = time.monotonic()
    for process, step in STEPS:
        started = time.monotonic()
        try:
            line = step(story)
        except (BrowserError, httpx2.HTTPError) as error:
            _say(f"FAILED  {step.__name__}: {error}")
            time.sleep(LOG_DELAY_SECONDS)  # What was logged last is on its way to the file.
            _say(tail(logs, process))
            return 1
        _say(f"{time.monotonic() - started:5.1f} s  {line}")
    _say(f"{time.monotonic() - beginning:5.1f} s  in all: it works")
    return 0


def _sign_in(browser: Browser, url: str, username: str) -> Page:
    page = browser.get(url)
    credentials = {"username": username, "password": PASSWORD}
    page = browser.submit(page, page.form("username", "password"), credentials)
    if username.lower() not in page.text.lower() or "/login/" in page.url:
        raise BrowserError(f"{username} could not sign in: {page.excerpt}")
    return page


def _answers(browser: Browser, url: str) -> bool:
    try:
        browser.get(url)
    except BrowserError:
        return False
    return True


def _wait_until(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise BrowserError(f"{otherwise}, after {seconds:g} seconds")
        time.sleep(POLL_SECONDS)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    # The story is all that it prints; a browser logs nothing, and has codes in its addresses.
    logging.disable()
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
