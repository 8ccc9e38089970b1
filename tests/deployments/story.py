"""The one story that every deployment is told, and the account of it."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from tests.deployments.running import Site
from tests.deployments.servers import wait_for
from tests.support.sandbox import fault, presented_twice, requests

BUSY_SECONDS = 20
#: What a page says that found no connection: nothing was sent, or what was sent will be stored.
BUSY = ("no_database_connection", "busy", "under_way")
ARRIVALS_APART = 0.3  # seconds
ANSWER_SECONDS = 3  # An answer that is under way while something is stopped or killed.


class Story:
    """What happens to a site, one chapter after the other, and how each user should have fared."""

    def __init__(self, site: Site) -> None:
        self.site, self.sandbox = site, site.sandbox
        #: Connections that were lost in a way that no client can prevent.
        self.interrupted: list[str] = []
        self.disconnected: list[str] = []

    def tell(self) -> None:
        """Go through all chapters, and render the account."""
        for chapter in (
            self.connect,
            self.due_refresh,
            self.expired_on_demand,
            self.refused_token,
            self.failing_page,
            self.failing_run,
            self.race,
            self.stop,
            self.kill,
            self.disconnect,
            self.account,
        ):
            try:
                chapter()
            except Exception as error:
                error.add_note(f"It went wrong in the chapter {chapter.__name__!r}.")
                raise

    def connect(self) -> None:
        """A user connects by the pages, and calls Actionstep at once."""
        self.site.issue("operator", 1)
        self.site.connect("ada@law.example")
        self.uses(["ada@law.example"], generation=1)

    def due_refresh(self) -> None:
        """What is due is refreshed by any process that maintains, each once."""
        users = self.site.issue("due", 6)
        self.site.desk("expire", self.site.place, users, due=True)
        before = requests(self.sandbox)
        self.site.maintain()
        self.site.wait_for_generation(2, users)
        assert requests(self.sandbox) - before == len(users)

    def expired_on_demand(self) -> None:
        """Tokens of eight users have expired: all open a page at once, and later one after the other."""
        users = self.site.issue("demand", 8)
        for generation, apart in ((2, 0.0), (3, ARRIVALS_APART)):
            self.site.desk("expire", self.site.place, users, due=False)
            before = requests(self.sandbox)
            if apart:
                fault(self.sandbox, "slow", seconds=1, times=len(users))
            self.uses(users, generation=generation, apart=apart)
            assert requests(self.sandbox) - before == len(users)

    def refused_token(self) -> None:
        """Actionstep refuses an access token before its time: it is replaced."""
        (user,) = self.site.issue("refused", 1)
        self.site.desk("age", self.site.place, [user])
        fault_of_api = {"endpoint": "api", "fault": "status_401", "times": 1}
        self.sandbox.post("sandbox/faults", **fault_of_api)
        self.uses([user], generation=2)

    def failing_page(self) -> None:
        """A page refreshes within a transaction and then fails: its rollback takes nothing along."""
        users = self.site.issue("failing", 2)
        self.site.desk("expire", self.site.place, users, due=False)
        pages = self.site.get_all(users, "/use/then-fail/")
        assert [page.status_code for page in pages] == [500, 500]
        self.is_refreshed_apart(users)

    def failing_run(self) -> None:
        """Maintenance is run by a page that fails afterwards: its rollback takes nothing along."""
        users = self.site.issue("run", 2)
        self.site.desk("expire", self.site.place, users, due=True)
        assert self.site.get(users[0], "/maintain/then-fail/").status_code == 500
        self.is_refreshed_apart(users)

    def race(self) -> None:
        """Web servers and workers want the same token at one moment: it is spent once."""
        users = self.site.issue("race", 2)
        self.site.desk("expire", self.site.place, users, due=True)
        before = requests(self.sandbox)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(self.site.maintain)
            pages = self.open_all(users * 4)
            run.result()
        assert [page.status_code for page in pages] == [200] * 8, [page.text for page in pages]
        self.site.wait_for_generation(2, users)
        assert requests(self.sandbox) - before == 2

    def stop(self) -> None:
        """All processes are stopped by their supervisor amid slow answers: these are stored."""
        on_demand, due = self.site.issue("stopped", 2)
        self.site.desk("expire", self.site.place, [on_demand], due=False)
        before = requests(self.sandbox)
        fault(self.sandbox, "slow_after", seconds=ANSWER_SECONDS, times=2)
        with ThreadPoolExecutor(1) as pool:
            page = pool.submit(self.site.get, on_demand, "/use/")
            wait_for(lambda: requests(self.sandbox) == before + 1)
            if self.site.workers:
                self.site.desk("expire", self.site.place, [due], due=True)
                self.site.maintain()
                wait_for(lambda: requests(self.sandbox) == before + 2)
            self.site.stop()
            assert page.result().status_code == 200, page.result().text
        self.sandbox.clear_faults()
        sent = [on_demand, due][: requests(self.sandbox) - before]
        assert [self.site.rows()[user]["generation"] for user in sent] == [2] * len(sent)
        self.site.start_web()
        self.site.start_workers()

    def kill(self) -> None:
        """A process is killed while it waits for an answer: that one connection says *interrupted*."""
        (user,) = self.site.issue("killed", 1)
        before = requests(self.sandbox)
        fault(self.sandbox, "slow_after", seconds=ANSWER_SECONDS)
        by_worker = bool(self.site.workers)
        self.site.desk("expire", self.site.place, [user], due=by_worker)
        with ThreadPoolExecutor(1) as pool:
            if by_worker:
                self.site.maintain()
            else:
                pool.submit(self.site.get, user, "/use/")
            wait_for(lambda: requests(self.sandbox) == before + 1)
            self.site.kill()
        self.site.desk("lapse", self.site.place)
        self.site.desk("expire", self.site.place, [user], due=True)
        self.site.start_web() if not by_worker else self.site.start_workers()
        self.site.maintain()
        wait_for(lambda: self.site.rows()[user]["status"] == "reconnect_required")
        self.interrupted.append(user)

    def disconnect(self) -> None:
        """A user disconnects by the page: nothing of theirs is kept, nor used."""
        self.site.disconnect("ada@law.example")
        self.disconnected.append("ada@law.example")
        # A replica may not know it yet, and a token that lives is used without asking the primary.
        wait_for(lambda: self.site.get("ada@law.example", "/use/").status_code == 503)

    def account(self) -> None:
        """Every refresh token that was given out is stored, or its loss is explained."""
        kept, explained = [], {}
        for user, row in self.site.rows().items():
            if row["status"] == "connected":
                assert not row["leased"], row
                assert not row["unknown"], row
                kept.append(user)
            else:
                explained[user] = row["reason"]
        assert explained == {
            **dict.fromkeys(self.interrupted, "interrupted"),
            **dict.fromkeys(self.disconnected, "ended_by_user"),
        }, self.site.rows()
        # The one way to see that a stored token is the newest is to spend it.
        generation = {user: row["generation"] for user, row in self.site.rows().items()}
        self.site.desk("expire", self.site.place, kept, due=True)
        self.site.maintain()
        for user in kept:
            self.site.wait_for_generation(generation[user] + 1, [user])
        rows = self.site.rows()
        assert {user: rows[user]["status"] for user in kept} == dict.fromkeys(kept, "connected")
        assert presented_twice(self.sandbox) == len(self.interrupted)
        events = self.site.desk("events", self.site.place)
        assert [user for user, kind in events if kind == "reconnect_required"] == self.interrupted

    def is_refreshed_apart(self, users: list[str]) -> None:
        """What was refreshed beside a transaction stays; without a connection for it nothing was sent."""
        if self.site.deployment.has_spare_connection:
            self.site.wait_for_generation(2, users)
        else:
            rows = [self.site.rows()[user] for user in users]
            seen = [(row["generation"], row["leased"], row["unknown"]) for row in rows]
            assert seen == [(1, False, False)] * len(users)
        self.uses(users, generation=2)

    def uses(self, users: list[str], *, generation: int, apart: float = 0) -> None:
        """All of `users` call Actionstep, `apart` seconds apart, with a token of that generation."""
        pages = self.open_all(users, apart=apart)
        answers: list[Any] = [page.text for page in pages if page.status_code != 200]
        assert answers == []
        assert [page.json()["generation"] for page in pages] == [generation] * len(users)
        self.site.wait_for_generation(generation, users)

    def open_all(self, users: list[str], *, apart: float = 0) -> list[httpx2.Response]:
        """All of `users` open the page that calls Actionstep, `apart` seconds apart."""
        path = "/use/async/" if self.site.is_async else "/use/"
        pages = self.site.get_all(users, path, apart=apart)
        if not self.site.deployment.may_be_busy:
            return pages
        return [self.again(user, path, page) for user, page in zip(users, pages, strict=True)]

    def again(self, user: str, path: str, page: httpx2.Response) -> httpx2.Response:
        """Open a page again that found no database connection, as the user is told to."""
        deadline = time.monotonic() + BUSY_SECONDS
        while page.status_code == 503 and time.monotonic() < deadline:
            assert page.json()["code"] in BUSY, page.text
            page = self.site.get(user, path)
        return page
