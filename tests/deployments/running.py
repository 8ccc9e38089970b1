"""A deployment at work: its processes, its users' browsers, and the desk where it can be asked."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.testing import Sandbox
from tests.deployments.deployment import WEB, Deployment
from tests.deployments.servers import Servers, wait_for, wait_for_port
from tests.support.free_port import free_ports

SITE = "tests.deployments.site"
ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 60
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class Process:
    """One process of the site, with its children."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self) -> None:
        """Stop it as a supervisor does, and see it gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} goes on:\n{self.output()}") from None

    def kill(self) -> None:
        """Kill it and its children with SIGKILL, and see it dead."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def output(self) -> str:
        """Return what it has printed."""
        return self.log.read_text(errors="replace")[-4000:]


class Desk:
    """The process of the site that answers questions and prepares rows."""

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self._log = log
        self.is_killed = False
        self._errors = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{SITE}.desk"],
            env=env,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def __call__(self, job: str, *arguments: Any, **options: Any) -> Any:
        """Have `job` done and return what came of it."""
        self._input().write(json.dumps([job, arguments, options]) + "\n")
        self._input().flush()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("=>"):
                answer = json.loads(line[2:])
                assert "error" not in answer, f"{job}: {answer}\n{self._log.read_text()[-3000:]}"
                return answer["answer"]
        raise AssertionError(f"the desk is gone:\n{self._log.read_text()[-3000:]}")

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.is_killed = True
        self._process.kill()

    def close(self) -> None:
        """Let it go."""
        with suppress(BrokenPipeError):  # It was killed with a question before it.
            self._input().close()
        self._process.wait(STOP_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin


class Site:
    """A deployment that runs."""

    def __init__(
        self, deployment: Deployment, settings: dict[str, Any], sandbox: Sandbox, folder: Path
    ) -> None:
        self.deployment, self.sandbox, self.folder = deployment, sandbox, folder
        self.place = deployment.place
        self.env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"{SITE}.settings",
            "DEPLOYMENT": json.dumps(settings),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.desk = Desk(self.env, folder / "desk.log")
        self.web: Process | None = None
        self.workers: list[Process] = []
        self.url = ""
        #: Where Actionstep calls, in a site that hears of changes.
        self.hooks_url = settings["ACTIONSTEP_CONNECT"].get("HOOKS_URL", "")

    def start_web(self) -> None:
        """Start the web server on a port of its own."""
        port = urlsplit(self.hooks_url).port or free_ports(1)[0]
        command = [part.format(port=port, site=SITE) for part in WEB[self.deployment.web]]
        self.web = Process("the web server", command, self.env, self.folder / "web.log")
        self.url = f"http://127.0.0.1:{port}"
        wait_for_port(port)

    def start_workers(self) -> None:
        """Start what maintains by messages: a Celery worker for each clock."""
        if self.deployment.worker in ("eager", "command"):
            return
        celery = ["celery", "-A", f"{SITE}.celery", "worker", "--loglevel", "INFO"]
        quiet = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
        pool = ["--pool", self.deployment.worker, "--concurrency", "2", "--prefetch-multiplier=1"]
        for number, seconds in enumerate(self.deployment.clocks):
            env = {**self.env, **(_other_clock(seconds) if seconds else {})}
            log = self.folder / f"worker-{number}-{len(list(self.folder.iterdir()))}.log"
            name = ["--hostname", f"worker-{number}@{self.folder.name}"]
            self.workers.append(Process("the worker", celery + pool + quiet + name, env, log))
        wait_for(lambda: all(" ready." in worker.output() for worker in self.workers))

    def stop(self) -> None:
        """Stop all processes but the desk, as supervisors do."""
        for worker in self.workers:
            worker.stop()
        self.workers = []
        if self.web is not None:
            self.web.stop()
            self.web = None

    def kill(self) -> None:
        """Kill the workers, or the web server where there are none."""
        for worker in self.workers:
            worker.kill()
        if not self.workers and self.web is not None:
            self.web.kill()
            self.web = None
        self.workers = []

    @property
    def is_async(self) -> bool:
        """Whether the site's own pages are async."""
        return self.deployment.web == "uvicorn"

    def close(self) -> None:
        """End whatever is left."""
        for process in (*self.workers, self.web):
            if process is not None:
                process.kill()
        self.desk.close()

    def output(self) -> str:
        """Return what all processes have printed last."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs
        )

    def browser(self, user: str) -> httpx2.Client:
        """Return a browser in which `user` is signed in."""
        headers = {"X-User": user, **({"X-Place": self.place} if self.place else {})}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False
        )

    def get(self, user: str, path: str) -> httpx2.Response:
        """Return the page at `path` as `user` sees it."""
        with self.browser(user) as browser:
            return browser.get(path)

    def get_all(self, users: list[str], path: str, *, apart: float = 0) -> list[httpx2.Response]:
        """Return the page at `path` as each of `users` sees it, asked for `apart` seconds apart."""
        arrivals = threading.Event()

        def arrive(number: int) -> httpx2.Response:
            arrivals.wait(number * apart)
            return self.get(users[number], path)

        with ThreadPoolExecutor(len(users)) as pool:
            return list(pool.map(arrive, range(len(users))))

    def connect(self, user: str) -> None:
        """Connect `user` by the site's own pages and Actionstep's."""
        with self.browser(user) as browser:
            page = browser.get("/actionstep/connect/")
            found = CSRF.search(page.text)
            assert found, f"{page.status_code}\n{page.text[:2000]}"
            asked = browser.post("/actionstep/connect/", data={"csrfmiddlewaretoken": found[1]})
            assert asked.status_code == 302, asked.text[:2000]
            callback = self.sandbox.authorize(asked.headers["Location"])
            arrived = urlsplit(callback)
            done = browser.get(f"{arrived.path}?{arrived.query}")
            assert done.status_code == 302, f"{done.status_code}\n{done.text[:2000]}"

    def disconnect(self, user: str) -> None:
        """Disconnect `user` by the site's own page."""
        with self.browser(user) as browser:
            page = browser.get("/actionstep/")
            address = re.search(r'action="(/actionstep/disconnect/[^"]+)"', page.text)
            assert address, page.text
            page = browser.get(address[1])
            found = CSRF.search(page.text)
            assert found, page.text
            done = browser.post(address[1], data={"csrfmiddlewaretoken": found[1]})
            assert done.status_code == 302, done.text[:2000]

    def issue(self, name: str, count: int) -> list[str]:
        """Store connections of so many new users; return the users' names."""
        tokens = self.sandbox.post(
            "sandbox/issue",
            user="priya",
            orgkey="acmelaw",
            scopes=["actions", "participants", "timerecords"],
            count=count,
        ).json()["tokens"]
        return list(self.desk("issue", self.place, name, tokens))

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return what is so of each user's connection."""
        return {row["user"]: row for row in self.desk("rows", self.place)}

    def wait_for_generation(self, generation: int, users: list[str]) -> None:
        """Wait until the refresh tokens of `users` are of that generation, and no one holds them."""

        def has_come() -> bool:
            rows = self.rows()
            return all(
                rows[user]["generation"] >= generation and not rows[user]["leased"]
                for user in users
            )

        try:
            wait_for(has_come)
        except AssertionError:
            raise AssertionError({user: self.rows()[user] for user in users}) from None

    def maintain(self) -> None:
        """Have maintenance run as this deployment does."""
        if self.deployment.worker == "command":
            self.desk("maintain")
        elif self.deployment.worker == "eager":
            self.get("operator@law.example", "/maintain/then-fail/?task")
        else:
            self.desk("order")


@contextmanager
def running(
    deployment: Deployment, servers: Servers, sandbox: Sandbox, folder: Path
) -> Generator[Site]:
    """Run `deployment` with a database of its own until the block ends."""
    with ExitStack() as stack:
        settings = site_settings(deployment, servers, sandbox, folder.name)
        site = Site(deployment, settings, sandbox, folder)
        stack.callback(site.close)
        site.desk("prepare")
        site.start_web()
        site.start_workers()
        try:
            yield site
        except Exception as error:
            error.add_note(site.output())
            raise


def site_settings(
    deployment: Deployment, servers: Servers, sandbox: Sandbox, name: str
) -> dict[str, Any]:
    """Return what the site's settings have besides the plain ones."""
    settings = dict(deployment.settings)
    atomic = settings.pop("ATOMIC_REQUESTS", False)
    database = _database(deployment, servers, name)
    database["OPTIONS"] = {**database.get("OPTIONS", {}), **deployment.options}
    database["ATOMIC_REQUESTS"] = atomic
    databases = {"default": database}
    if deployment.database == "two":
        databases |= {
            place: {**database, **servers.new_database(f"{name}-{place}")}
            for place in ("acme", "bright")
        }
    if deployment.database == "replica":
        databases["replica"] = servers.replica_of(database)
    if deployment.broker == "RabbitMQ":
        settings["CELERY_BROKER_URL"] = servers.rabbitmq()
    else:
        settings["CELERY_BROKER_URL"] = servers.redis()
    settings["CELERY_TASK_DEFAULT_QUEUE"] = name
    settings["DATABASES"] = databases
    settings["ACTIONSTEP_CONNECT"] = {
        **sandbox.settings(),
        "SCOPES": ["actions", "participants", "timerecords"],
        "ENCRYPTION_KEYS": ["-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="],
        "HTTP_TIMEOUT": 8,
    }
    if deployment.hears:
        settings |= _hearing(settings["ACTIONSTEP_CONNECT"])
    if deployment.database == "tenants":
        settings |= _tenants(shared_too=settings.pop("SHARED_TOO", False))
    return settings


def _database(deployment: Deployment, servers: Servers, name: str) -> dict[str, Any]:
    if deployment.database == "MariaDB":
        return servers.new_mariadb_database(name)
    database = servers.new_database(name)
    if deployment.database == "PgBouncer":
        database |= servers.pgbouncer() | {"DISABLE_SERVER_SIDE_CURSORS": True}
    if deployment.database == "tenants":
        database["ENGINE"] = "django_tenants.postgresql_backend"
    return database


def _tenants(*, shared_too: bool) -> dict[str, Any]:
    django_apps = [
        f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "messages")
    ]
    own = ["actionstep_connect"]
    shared = ["django_tenants", "tests.deployments.site.tenants"]
    shared += [*django_apps, *own] if shared_too else []
    tenant = [*django_apps, *own]
    return {
        "SHARED_APPS": shared,
        "TENANT_APPS": tenant,
        "INSTALLED_APPS": [*dict.fromkeys([*shared, *tenant])],
        "TENANT_MODEL": "tenants.Tenant",
        "TENANT_DOMAIN_MODEL": "tenants.Domain",
        "DATABASE_ROUTERS": ["django_tenants.routers.TenantSyncRouter"],
    }


def _hearing(values: dict[str, Any]) -> dict[str, Any]:
    hearing = "tests.deployments.site.hearing"
    return {
        "MORE_APPS": ["actionstep_connect.hooks", hearing],
        "ACTIONSTEP_CONNECT": {
            **values,
            "SCOPES": [*values["SCOPES"], "tasks", "filenotes", "resthooks"],
            "HOOKS_BEARER": f"{hearing}.bearer.bearer",
            "HOOKS_URL": f"http://127.0.0.1:{free_ports(1)[0]}/actionstep/hooks/",
        },
    }


def _other_clock(seconds: int) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME": f"{seconds:+d}s",
        # Time-outs and deadlines go on as they are, as on a machine whose clock is wrong.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
