"""The demo at DEBUG: what the sandbox issued is nowhere but in the sandbox."""

import contextlib
import re
import sqlite3
import subprocess
import time
import uuid
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import httpx2
import pytest

from actionstep_connect.crypto import Context, KeyRing
from example_project.demo.stage import ADMIN, PASSWORD
from example_project.demo.story import ORGKEY
from tests.support.canary import leaks
from tests.support.demo import clean_environment, demo_command

TIMEOUT = 200  # seconds for the whole story, on a busy machine
PAUSE = 0.1
#: These hold secrets by design: the sandbox's own, and the two keys of the site.
NOT_SEARCHED = {"sandbox.sqlite3", "sandbox.log", "encryption-key", "secret-key"}
LISTS = ("connection/", "connectionevent/", "heartbeat/")
ONE_ROW = ("change", "history", "delete")
CODE, STATE = re.compile(r"(?=([0-9a-f]{40}))"), re.compile(r"(?=([A-Za-z0-9_-]{43}))")
SEALED = {
    "access_token": ("actionstep_connect_connection", "''"),
    "refresh_token": ("actionstep_connect_connection", "''"),
    "code_verifier": ("actionstep_connect_authorizationrequest", "NEW.state_hash"),
}
#: The database itself keeps each sealed value, because some are replaced before a watch can look.
KEEP = "CREATE TABLE kept (field, user_id, environment, orgkey, sealed, suffix);" + "".join(
    f"CREATE TRIGGER keep_{field}_{verb} AFTER {verb} ON {table} BEGIN INSERT INTO kept VALUES "
    f"('{field}', NEW.user_id, NEW.environment, NEW.orgkey, NEW.sealed_{field}, {suffix}); END;"
    for field, (table, suffix) in SEALED.items()
    for verb in ("INSERT", "UPDATE")
)


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def rows(database: Path, statement: str) -> list[tuple[str, ...]]:
    """Ask a database that other processes are writing; nothing while it is not there yet."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection,
    ):
        return connection.execute(statement).fetchall()
    return []


def keep(database: Path) -> None:
    """Have a database keep what it seals from now on."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as connection:
        connection.executescript(f"BEGIN; {KEEP} COMMIT;")


class Watch:
    """Looks at a demo while it runs: what is issued, and what passes through the broker and the admin."""

    def __init__(self, folder: Path, site: str) -> None:
        self.folder, self.site = folder, site
        self.secrets: dict[str, str] = {}
        self.seen: dict[str, str] = {}
        self.has_seen_the_admin = False
        self._keeps = False

    def look(self) -> None:
        self._open_what_is_sealed()
        for message in self.folder.glob("broker/messages/*"):
            self._keep(message)
        if not self.has_seen_the_admin and self.secrets:
            self._walk_the_admin()

    def _open_what_is_sealed(self) -> None:
        key = self.folder / "encryption-key"
        if not key.exists():
            return
        if not self._keeps:
            with contextlib.suppress(sqlite3.OperationalError):  # The tables are not there yet.
                keep(self.database)
                self._keeps = True
        ring = KeyRing.from_encoded([key.read_text().strip()])
        for field, user, environment, orgkey, sealed, suffix in rows(
            self.database, "SELECT DISTINCT * FROM kept WHERE sealed <> ''"
        ):
            context = Context(
                field=f"{field} {suffix}".strip(),
                user_id=str(user),
                environment=environment,
                orgkey=orgkey,
            )
            secret = ring.open(sealed, context).reveal()
            self.secrets[f"{field} {digest(secret)[:8]}"] = secret

    def _walk_the_admin(self) -> None:
        ids = [
            key for (key,) in rows(self.database, "SELECT id FROM actionstep_connect_connection")
        ]
        if not ids:
            return
        with httpx2.Client(trust_env=False, follow_redirects=True, timeout=10) as browser:
            login = f"{self.site}/admin/login/"
            browser.get(login)
            token = browser.cookies["example_csrftoken"]
            credentials = {"username": ADMIN, "password": PASSWORD, "csrfmiddlewaretoken": token}
            browser.post(login, data=credentials, headers={"Referer": login})
            pages = [f"connection/{uuid.UUID(key)}/{end}/" for key in ids for end in ONE_ROW]
            for path in (*LISTS, *pages):
                page = browser.get(f"{self.site}/admin/actionstep_connect/{path}")
                assert page.status_code == httpx2.codes.OK, path
                self.seen[f"admin {path}"] = page.text
        assert ORGKEY in self.seen[f"admin {LISTS[0]}"]
        self.has_seen_the_admin = True

    def _keep(self, file: Path) -> None:
        with contextlib.suppress(OSError):  # The worker was quicker.
            self.seen[str(file)] = file.read_text(errors="replace")

    @property
    def database(self) -> Path:
        return self.folder / "site.sqlite3"

    def everything(self) -> str:
        """Return all that the demo left, and all that passed."""
        for file in self.folder.rglob("*"):
            if file.is_file() and not file.name.startswith(tuple(NOT_SEARCHED)):
                self.seen[str(file)] = file.read_bytes().decode("latin-1")
        return "\n".join(f"{name}\n{text}" for name, text in self.seen.items())


@pytest.mark.timeout(300)  # As above.
def test_s39_the_demo_leaves_nothing_that_was_issued(tmp_path: Path) -> None:
    """Database, broker, DEBUG logs and admin of a whole story hold no token, code, verifier or state."""
    command = demo_command("--smoke")
    port = command[command.index("--site-port") + 1]
    watch = Watch(tmp_path / f"smoke-{port}", f"http://127.0.0.1:{port}")
    output = tmp_path / "story.log"
    environment = {**clean_environment(tmp_path), "LOG_LEVEL": "DEBUG"}
    with (
        output.open("w") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as demo,
    ):
        try:
            deadline = time.monotonic() + TIMEOUT
            while demo.poll() is None and time.monotonic() < deadline:
                watch.look()
                time.sleep(PAUSE)
        finally:
            demo.terminate()
    assert demo.returncode == 0, output.read_text()
    watch.look()
    text = watch.everything()
    assert " DEBUG" in text or "DEBUG/" in text
    assert watch.has_seen_the_admin
    sandbox = watch.folder / "sandbox.sqlite3"
    issued = hashes(
        sandbox,
        "SELECT access_hash FROM actionstep_sandbox_tokenpair UNION "
        "SELECT refresh_hash FROM actionstep_sandbox_tokenpair",
    )
    assert issued
    assert issued <= set(map(digest, watch.secrets.values()))
    assert leaks(text, watch.secrets) == []
    codes = hashes(sandbox, "SELECT code_hash FROM actionstep_sandbox_authorizationcode")
    states = hashes(
        watch.database, "SELECT state_hash FROM actionstep_connect_authorizationrequest"
    )
    assert codes
    assert states
    assert not codes & digests(CODE, text)
    assert not states & digests(STATE, text)


def hashes(database: Path, statement: str) -> set[str]:
    return {value for (value,) in rows(database, statement)}


def digests(pattern: re.Pattern[str], text: str) -> set[str]:
    """Return the digest of each run of characters that could be such a value, URL-decoded too."""
    return {digest(found) for each in (text, unquote(text)) for found in set(pattern.findall(each))}
