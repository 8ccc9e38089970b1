"""The sandbox as a process: starting, stopping, and what it leaves behind."""

import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support.visitor import Application, Visitor

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ("-m", "actionstep_connect.sandbox")
#: Both take half a second; a busy machine may need much more, though never as long as SLOW_SECONDS.
START_SECONDS = STOP_SECONDS = 20
SLOW_SECONDS = 60


@contextmanager
def started(*command: str) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Run a command until the block ends; give the process and the address it announces."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Sandbox ready at http://127.0.0.1:"), line
            yield process, line.split()[-1]
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_and_stops_quickly_and_without_a_warning(ending: signal.Signals) -> None:
    """It ends at once with code 0, even in the middle of a slow answer."""
    begun = time.monotonic()
    with started(*MODULE, "--port", "0") as (process, url):
        assert time.monotonic() - begun < START_SECONDS
        with httpx2.Client(base_url=url, trust_env=False) as http:
            fault = {"endpoint": "authorize", "fault": "slow", "seconds": SLOW_SECONDS}
            http.post("/sandbox/faults", json=fault).raise_for_status()
            with pytest.raises(httpx2.ReadTimeout):
                http.get("/api/oauth/authorize", timeout=0.2)
            http.get("/sandbox/state").raise_for_status()
            process.send_signal(ending)
            process.wait(STOP_SECONDS)
        assert process.returncode == 0
        assert process.stdout
        assert process.stderr
        output = process.stdout.read()
        assert process.stderr.read() == ""
        assert "Client id: sandbox-client" in output
        assert "User: priya" in output
        assert "sandbox-secret" not in output


def test_clients_that_hang_up_leave_nothing_behind() -> None:
    """Anyone who resets the connection before the answer costs no socket and no warning."""
    with started(*MODULE, "--port", "0") as (process, url):
        with httpx2.Client(base_url=url, trust_env=False) as http:
            fault = {"endpoint": "authorize", "fault": "slow", "seconds": 0.3}
            http.post("/sandbox/faults", json=fault).raise_for_status()
            with socket.create_connection(("127.0.0.1", httpx2.URL(url).port or 0)) as rude:
                rude.sendall(b"GET /api/oauth/authorize HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                while http.get("/sandbox/state").json()["faults"]:
                    pass
                reset = struct.pack("ii", 1, 0)  # Linger for no time: closing sends RST.
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            while not http.get("/sandbox/state").json()["activity"]:
                pass
        process.terminate()
        process.wait(STOP_SECONDS)
        assert process.stderr
        assert process.stderr.read() == ""


def test_it_listens_on_loopback_only() -> None:
    """No other machine reaches it: its port is free on every other address."""
    with started(*MODULE, "--port", "0") as (_, url), socket.socket() as other:
        other.bind(("127.0.0.2", httpx2.URL(url).port or 0))


def test_a_busy_port_is_named_with_the_cure() -> None:
    """A port in use: exit 1, the port, and the option that chooses another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, *MODULE, "--port", port],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=ROOT,
        )
    assert result.returncode == 1
    assert port in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_option_is_named() -> None:
    """A value that makes no sense is refused before anything starts."""
    result = subprocess.run(
        [sys.executable, *MODULE, "--grace", "-1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        cwd=ROOT,
    )
    assert result.returncode == 2
    assert "grace" in result.stderr


def test_the_management_command_becomes_the_sandbox() -> None:
    """``actionstep_sandbox`` takes the same options and is one process, not two."""
    command = ("-m", "django", "actionstep_sandbox", "--port", "0", "--client-id", "mine")
    with started(*command) as (process, url):
        state = httpx2.get(f"{url}sandbox/state", trust_env=False).json()
        assert state["options"]["client_id"] == "mine"
        process.terminate()
        assert process.wait(10) == 0


def test_a_kept_database_survives_a_restart_and_holds_no_secret(tmp_path: Path) -> None:
    """``--database`` keeps connections; tokens and codes are in it as hashes only."""
    kept = tmp_path / "sandbox.sqlite3"
    options = (*MODULE, "--port", "0", "--database", str(kept))
    with (
        started(*options) as (process, url),
        httpx2.Client(base_url=url, trust_env=False) as http,
    ):
        code = Visitor(http).authorize("tom")["code"]
        tokens = Application(http).exchange(code).json()
        process.terminate()
        process.wait(10)
    with closing(sqlite3.connect(kept)) as database:
        dump = "\n".join(database.iterdump())
    for secret in (code, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in dump
    with started(*options) as (_, url), httpx2.Client(base_url=url, trust_env=False) as http:
        assert Application(http).refresh(tokens["refresh_token"]).status_code == 200


def test_a_kept_database_has_the_rows_that_were_written(tmp_path: Path) -> None:
    """What was added, changed and deleted is so after a restart, until a reset."""
    options = (*MODULE, "--port", "0", "--database", str(tmp_path / "sandbox.sqlite3"))
    note = {"filenotes": {"text": "Kept.", "links": {"action": "3"}}}
    with (
        started(*options) as (process, url),
        httpx2.Client(base_url=url, trust_env=False) as http,
    ):
        application = Application(http)
        tokens = application.issued()
        added = application.api(tokens, "filenotes", "POST", json=note).json()["filenotes"]
        application.api(tokens, "filenotes/1", "PUT", json={"filenotes": {"text": "Changed."}})
        application.api(tokens, "filenotes/2", "DELETE")
        process.terminate()
        process.wait(10)
    with started(*options) as (_, url), httpx2.Client(base_url=url, trust_env=False) as http:
        application = Application(http)
        found = application.api(tokens, f"filenotes/1,2,{added['id']}").json()["filenotes"]
        assert [row["text"] for row in found] == ["Changed.", "Kept."]
        http.post("/sandbox/reset").raise_for_status()
        answer = application.api(application.issued(), f"filenotes/2,{added['id']}")
        assert answer.json()["filenotes"]["id"] == 2
