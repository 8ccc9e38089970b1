"""The demo, run as a person runs it."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psutil
import pytest
from playwright.sync_api import Page, expect

from actionstep_connect import policy
from actionstep_connect.conf import get_config
from example_project.demo.stage import PASSWORD, USERS
from example_project.demo.story import ORGKEY
from example_project.management.commands.demo import MAINTENANCE_SECONDS, TOKEN_SECONDS
from example_project.views import ROWS
from tests.support.browser import Screenshot
from tests.support.demo import clean_environment, demo_command
from tests.support.documents import ROOT

SMOKE_SECONDS = 60  # The README says less than a minute.
START_SECONDS = 90  # On a busy machine.
STOP_SECONDS = 60


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return every process that works in this demo folder."""
    found = []
    for process in psutil.process_iter():
        try:
            belongs = process.environ().get("DEMO_DIR", "").startswith(str(folder))
            if belongs and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # It has ended, or belongs to another user.
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check again until it is so, for at most so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def answers(url: str) -> bool:
    """Return whether a server is there."""
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


@contextmanager
def running_demo(folder: Path) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    """Run the demo until the block ends; give the site's address and the demo's process."""
    command = demo_command()
    site, sandbox = (
        f"http://127.0.0.1:{command[command.index(option) + 1]}/"
        for option in ("--site-port", "--sandbox-port")
    )
    with (
        (folder / "demo.log").open("w") as log,
        subprocess.Popen(
            command,
            env=clean_environment(folder),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            up = wait_until(lambda: answers(site) and answers(sandbox), START_SECONDS)
            assert up, (folder / "demo.log").read_text()
            yield site, process
        finally:
            process.send_signal(signal.SIGINT)
            has_ended = wait_until(lambda: process.poll() is not None, STOP_SECONDS)
            process.kill()
            left = processes_of(folder)
            for orphan in left:
                with suppress(psutil.NoSuchProcess):
                    orphan.kill()
    assert has_ended
    assert not left, "Ctrl-C left processes behind"


@pytest.mark.alone
@pytest.mark.long
def test_smoke_plays_the_whole_story_and_leaves_no_process(tmp_path: Path) -> None:
    """``demo --smoke`` tells the whole story, exits 0 in time and leaves nothing running."""
    started = time.monotonic()
    finished = subprocess.run(
        demo_command("--smoke"),
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "the worker refreshed the token automatically" in finished.stdout
    assert time.monotonic() - started < SMOKE_SECONDS
    assert processes_of(tmp_path) == []


def test_the_tokens_to_watch_are_renewed_while_they_live() -> None:
    """Tokens of the demo, and of the lifetime that the README advises, are replaced in time."""
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=TOKEN_SECONDS)
    due_at = policy.refresh_due_at(
        now=now,
        access_token_expires_at=expires_at,
        refresh_token_expires_at=now + timedelta(days=21),
        last_used_at=now,
        config=get_config(),
    )
    assert due_at + timedelta(seconds=MAINTENANCE_SECONDS) < expires_at
    assert not policy.is_short_lived(expires_at - now)
    assert f"--access-token-lifetime {TOKEN_SECONDS}`" in (ROOT / "README.md").read_text()


@pytest.mark.long
def test_a_failing_step_is_named_with_the_log_of_the_right_process(tmp_path: Path) -> None:
    """When the worker cannot work, the smoke story fails at the refresh and shows its log."""
    finished = subprocess.run(
        demo_command("--smoke"),
        # No one listens there: the worker starts, and waits in vain.
        env=clean_environment(tmp_path) | {"CELERY_BROKER_URL": "amqp://127.0.0.1:1//"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert finished.returncode == 1
    assert "FAILED" in finished.stdout
    assert "worker |" in finished.stdout
    assert processes_of(tmp_path) == []


def test_a_busy_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    """A port in use ends the demo at once, and says which and how to choose another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        finished = subprocess.run(
            demo_command(sandbox_port=port),
            env=clean_environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert finished.returncode == 1
    assert f"Port {port} is in use" in finished.stderr
    assert "--sandbox-port" in finished.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_demo(tmp_path: Path, how: signal.Signals) -> None:
    """A supervisor's stop and a hard kill leave no process behind; Ctrl-C ends every demo here."""
    with running_demo(tmp_path) as (_, process):
        assert len(processes_of(tmp_path)) > len(("site", "worker", "beat", "sandbox"))
        process.send_signal(how)
        process.wait(STOP_SECONDS)
        assert wait_until(lambda: not processes_of(tmp_path), STOP_SECONDS)


@pytest.mark.browser
def test_a_user_connects_with_a_browser(tmp_path: Path, page: Page, screenshot: Screenshot) -> None:
    """A person clicks Connect Actionstep, allows it, and reads their time records on the site."""
    with running_demo(tmp_path) as (site, _):
        page.goto(site)
        screenshot(page, "demo-1-front-page")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_label("User name").fill(USERS[0])
        page.get_by_label("Password").fill(PASSWORD)
        screenshot(page, "demo-2-sign-in")
        page.get_by_role("button", name="Sign in").click()
        screenshot(page, "demo-3-home")
        page.get_by_role("button", name="Connect Actionstep").click()
        screenshot(page, "demo-4-what-will-be-asked")
        page.get_by_role("button", name="Continue to Actionstep").click()
        screenshot(page, "demo-5-sandbox-sign-in")
        page.get_by_role("button", name="Priya Nair").click()
        screenshot(page, "demo-6-sandbox-organisation")
        page.get_by_role("button", name=ORGKEY).click()
        screenshot(page, "demo-7-sandbox-consent")
        page.get_by_role("button", name="Allow").click()
        expect(page).to_have_url(f"{site}time-records/")
        expect(page.get_by_role("table").get_by_role("row")).to_have_count(ROWS + 1)
        screenshot(page, "demo-8-time-records")
        page.get_by_role("link", name="Connections").click()
        expect(page.get_by_role("heading", name=ORGKEY)).to_be_visible()
        screenshot(page, "demo-9-connections")


@pytest.mark.alone
@pytest.mark.browser
def test_a_matter_renamed_in_the_console_is_seen_on_the_site_within_two_seconds(
    tmp_path: Path, page: Page, screenshot: Screenshot
) -> None:
    """A person follows the changes in one window while a colleague renames a matter in another."""
    with running_demo(tmp_path) as (site, _):
        page.goto(f"{site}login/?next=/changes/")
        page.get_by_label("User name").fill(USERS[0])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Continue to Actionstep").click()
        page.get_by_role("button", name="Priya Nair").click()
        page.get_by_role("button", name=ORGKEY).click()
        page.get_by_role("button", name="Allow").click()
        expect(page).to_have_url(f"{site}changes/")
        page.get_by_role("link", name="Follow").click()
        expect(page.get_by_text("Nothing has changed yet.")).to_be_visible(
            timeout=2000 * MAINTENANCE_SECONDS
        )
        console = page.context.new_page()
        link = page.get_by_role("main").get_by_role("link", name="console")
        console.goto(link.get_attribute("href") or "")
        console.get_by_label("New name").fill("Okafor v Lindqvist")
        console.get_by_role("button", name="Rename").click()
        expect(page.get_by_role("cell", name="Okafor v Lindqvist")).to_be_visible(timeout=2000)
        page.get_by_role("link", name="Stop following").click()  # It would move under the camera.
        screenshot(page, "demo-10-changes")
