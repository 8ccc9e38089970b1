"""Changes at Actionstep while those who hear of them are killed again and again."""

import random
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import psutil
import pytest

from actionstep_connect.testing import Sandbox
from tests.deployments.deployment import GUNICORN, WEB, Deployment
from tests.deployments.running import Desk, Site, running
from tests.deployments.servers import Servers, wait_for

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # Seconds; on a busy machine processes are slow to start.
]

SEED = 17
KILLS, DISABLED, WORKERS_KILLED = 50, 20, 2
#: How many changes there are of each event.
CHANGES = {
    "ActionUpdated": 700,
    "TaskUpdated": 200,
    "ParticipantCreated": 80,
    "FileNoteCreated": 60,
}
#: After a gap, Actionstep shows of all but these what has changed in it.
UNKNOWN = "FileNoteCreated"
#: So many rows of each resource are changed again and again.
ROWS = 8
#: Seconds within which a process is killed after a change was begun.
SOON = 0.02
#: Seconds between two rounds of maintenance.
PAUSE = 0.5

#: One process that receives, so that each kill meets it.
ONE_RECEIVER = (*GUNICORN[:-1], "1", "--preload", "--threads", "4")
INTERVAL = re.compile(r"FileNoteCreated from (\S+ \S+)Z to (\S+ \S+)Z")


class Made(NamedTuple):
    """A change that was made at Actionstep."""

    event: str
    row_id: str
    number: int
    at: datetime


class Heard(NamedTuple):
    """A call of a handler: the number of the change that it was told of, or that it read."""

    event: str
    row_id: str
    number: int
    is_read_again: bool
    caught_up: bool


def test_every_change_is_heard_and_none_invented(
    servers: Servers,
    actionstep: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1,040 changes, 50 kills of the receiver, 20 hooks disabled, and two workers that race and die."""
    command = (*ONE_RECEIVER, "--bind", "127.0.0.1:{port}", "{site}.wsgi")
    monkeypatch.setitem(WEB, "one receiver", command)
    deployment = Deployment(name="a storm", web="one receiver", worker="command", hears=True)
    folder: Path = tmp_path_factory.mktemp("storm")
    with running(deployment, servers, actionstep, folder) as site:
        storm = Storm(site)
        with storm.workers():
            storm.blow()
            wait_for(lambda: site.desk("is_settled"))
            # Nothing is on its way any more; what the last kill has disabled is found now.
            site.desk("keep")
            wait_for(lambda: site.desk("is_settled"))
        storm.account()


class Storm:
    """What is changed, and what goes wrong meanwhile."""

    def __init__(self, site: Site) -> None:
        self.site, self.sandbox = site, site.sandbox
        self.random = random.Random(SEED)
        self.made: list[Made] = []
        self._over = threading.Event()
        self._desks: list[Desk] = []
        [token] = self.sandbox.post(
            "sandbox/issue", user="priya", orgkey="acmelaw", scopes=["all"], count=1
        ).json()["tokens"]
        self._headers = {"Authorization": f"Bearer {token['access_token']}"}
        site.desk("issue", "", "bearer", [token])
        site.desk("keep")
        assert self.active() == sorted(CHANGES)

    @contextmanager
    def workers(self) -> Generator[None]:
        """Have two processes do one round of maintenance after the other, until the block ends."""
        self._desks = [self._desk(number) for number in range(2)]
        with ThreadPoolExecutor(2) as pool:
            work = [pool.submit(self._work, number) for number in range(2)]
            try:
                yield
            finally:
                self._over.set()
        for each in work:
            each.result()

    def blow(self) -> None:
        """Make all changes, one after the other, amid kills."""
        events = [event for event, count in CHANGES.items() for _ in range(count)]
        self.random.shuffle(events)
        kills = set(self.random.sample(range(len(events)), KILLS))
        disabled = set(self.random.sample(range(len(events)), DISABLED))
        workers = set(self.random.sample(range(len(events)), WORKERS_KILLED))
        with ThreadPoolExecutor(2) as pool:
            for number, event in enumerate(events):
                if number in disabled:
                    self.disable(event)
                going = []
                if number in kills:
                    going.append(pool.submit(self.kill_receiver, self.random.uniform(0, SOON)))
                if number in workers:
                    going.append(pool.submit(self.kill_worker, self.random.randrange(2)))
                self.change(event, number)
                for each in going:
                    each.result()

    def change(self, event: str, number: int) -> None:
        """Make one change; its row is called after the change's number."""
        name, key = f"Storm {number}", self.random.randrange(1, ROWS + 1)
        at = datetime.now(UTC)
        match event:
            case "ActionUpdated":
                row = self.sandbox.change("actions", key, name=name)
            case "TaskUpdated":
                row = self.sandbox.change("tasks", key, name=name)
            case "ParticipantCreated":
                row = self.sandbox.add("participants", lastName=name, firstName="A", isCompany="F")
            case _:
                row = self.sandbox.add("filenotes", text=name, links={"action": key})
        self.made.append(Made(event, str(row["id"]), number, at))

    def kill_receiver(self, seconds: float) -> None:
        """Kill the process that receives, a moment after now."""
        self._over.wait(seconds)
        assert self.site.web is not None
        server = psutil.Process(self.site.web.process.pid)
        wait_for(server.children)
        for child in server.children():
            with suppress(psutil.NoSuchProcess):
                child.kill()

    def kill_worker(self, number: int) -> None:
        """Kill a worker in the midst of its work; its claims run out, and another one begins."""
        self._desks[number].kill()

    def disable(self, event: str) -> None:
        """Have Actionstep disable the hook of an event, as after any answer but 200."""
        for hook in self.hooks():
            if hook["eventName"] == event and hook["status"] == "Active":
                with suppress(ValueError):  # A worker has just removed one that was there twice.
                    self.sandbox.change("resthooks", hook["id"], status="Disabled")

    def hooks(self) -> list[dict[str, Any]]:
        """Return this site's hooks at Actionstep."""
        url = f"{self.sandbox.url}/api/rest/resthooks"
        answer = httpx2.get(url, headers=self._headers, params={"pageSize": 200}, trust_env=False)
        rows = answer.raise_for_status().json()["resthooks"]
        return [row for row in rows if str(row["targetUrl"]).startswith(self.site.hooks_url)]

    def active(self) -> list[str]:
        """Return the events of those that are active."""
        return sorted(hook["eventName"] for hook in self.hooks() if hook["status"] == "Active")

    def account(self) -> None:
        """Each change was heard, in order, or is said to be missed; and nothing else was heard."""
        heard = [
            Heard(event, row_id, int(name.rpartition(" ")[2]), is_read_again, caught_up)
            for event, row_id, name, is_read_again, caught_up in self.site.desk("heard")
            if name or not caught_up
        ]
        told = [each for each in heard if not each.is_read_again and not each.caught_up]
        self._nothing_is_lost(heard, told)
        self._nothing_is_invented(heard, told)
        self._order_is_kept(told)
        assert self.active() == sorted(CHANGES)
        assert self.site.desk("addresses") == dict.fromkeys(CHANGES, 1)
        assert self.site.desk("times_disabled") >= DISABLED

    def _nothing_is_lost(self, heard: list[Heard], told: list[Heard]) -> None:
        by_call = {(each.event, each.row_id, each.number) for each in told}
        caught_up: dict[tuple[str, str], int] = defaultdict(lambda: -1)
        for each in heard:
            if each.caught_up:
                place = each.event, each.row_id
                caught_up[place] = max(caught_up[place], each.number)
        unheard = [
            each
            for each in self.made
            if (each.event, each.row_id, each.number) not in by_call
            and caught_up[each.event, each.row_id] < each.number
        ]
        assert [each for each in unheard if each.event != UNKNOWN] == []
        intervals = [
            tuple(datetime.fromisoformat(f"{moment}+00:00") for moment in found)
            for text in self.site.desk("missed")
            for found in INTERVAL.findall(text)
        ]
        minute = timedelta(minutes=1)
        for lost in unheard:
            assert any(since <= lost.at <= until + minute for since, until in intervals), lost
        # What was answered 200 has been heard as it was told.
        answered = Counter(
            (call.event, call.id) for call in self.sandbox.notifications() if call.status == 200
        )
        assert answered - Counter((event, row) for event, row, _ in by_call) == Counter()

    def _nothing_is_invented(self, heard: list[Heard], told: list[Heard]) -> None:
        made = {(each.event, each.row_id, each.number) for each in self.made}
        assert {(each.event, each.row_id, each.number) for each in told} <= made
        assert {(each.event, each.row_id) for each in heard} <= {each[:2] for each in made}

    def _order_is_kept(self, told: list[Heard]) -> None:
        last: dict[tuple[str, str], int] = defaultdict(int)
        for each in told:
            place = each.event, each.row_id
            assert each.number >= last[place], each
            last[place] = each.number

    def _desk(self, number: int) -> Desk:
        log = self.site.folder / f"worker-{number}-{len(list(self.site.folder.iterdir()))}.log"
        return Desk(self.site.env, log)

    def _work(self, number: int) -> None:
        while not self._over.wait(PAUSE):
            try:
                self._desks[number]("keep")
            except (AssertionError, BrokenPipeError):
                if not self._desks[number].is_killed:
                    raise
                self._desks[number].close()
                self._desks[number] = self._desk(number)
                self.site.desk("lapse_claims")
        self._desks[number].close()
