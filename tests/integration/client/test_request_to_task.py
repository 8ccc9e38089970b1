"""``docs/client/request-to-task.md``, followed in a new project with a real Celery worker."""

from pathlib import Path

import pytest

from tests.support.documents import lines_for
from tests.support.new_project import run_its_tests, start_project

PAGE = "docs/client/request-to-task.md"

CELERY = """
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
app = Celery("mysite", broker="memory://", backend="cache+memory://")
app.conf.broker_connection_retry_on_startup = True
app.conf.broker_transport_options = {"polling_interval": 0.02}
"""

PROOF = """
import time
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from celery.contrib.testing.worker import start_worker
from django.test import Client
from django.utils import timezone

import hours
from actionstep_connect.models import Connection
from mysite.celery import app

pytest_plugins = ["actionstep_connect.testing"]
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def a_worker():
    app.finalize()
    with start_worker(app, perform_ping_check=False, pool="solo", shutdown_timeout=30):
        yield


@pytest.fixture
def browser(connected_user):
    browser = Client(headers={"Host": "127.0.0.1:8000"})
    browser.force_login(connected_user)
    assert b"Add up my hours" in browser.get("/hours/").content
    return browser


def start(browser):
    assert browser.post("/hours/start/").headers["Location"] == "/hours/"


def wait_for(browser, text):
    until = time.monotonic() + 60
    while text not in (page := browser.get("/hours/").content.decode()):
        assert time.monotonic() < until, page
        time.sleep(0.05)
    return page


def test_progress_is_shown_and_then_the_result(browser, actionstep_sandbox):
    start(browser)
    assert "Waiting for a worker" in wait_for(browser, 'content="2"')
    actionstep_sandbox.fail("api", "slow", seconds=3, skip=2)
    with a_worker():
        assert 'value="200" max="480"' in wait_for(browser, "<progress")
        assert "refresh" not in wait_for(browser, " hours</p>")


def test_a_busy_actionstep_is_waited_for(browser, actionstep_sandbox):
    actionstep_sandbox.fail("api", 429, retry_after=300)
    start(browser)
    with a_worker():
        assert "refresh" in wait_for(browser, "Actionstep is busy")


def come_back(browser, sandbox):
    \"\"\"Press the button, go through Actionstep's pages, and start again.\"\"\"
    connect = browser.post("/hours/connect/").headers["Location"]
    asked = parse_qs(urlsplit(connect).query)
    assert (asked["next"], asked["orgkey"]) == (["/hours/"], ["acmelaw"])
    back = browser.get(sandbox.authorize(browser.post(connect).headers["Location"]))
    assert back.headers["Location"] == "/hours/"
    assert "Connect Actionstep" not in browser.get("/hours/").content.decode()
    start(browser)
    wait_for(browser, " hours</p>")
    return asked


def test_a_task_whose_connection_has_ended_leads_back_to_its_user(browser, actionstep_sandbox):
    start(browser)
    past = timezone.now() - timedelta(hours=2)
    Connection.objects.update(connected_at=past, access_token_expires_at=past)
    actionstep_sandbox.revoke("priya")
    with a_worker():
        wait_for(browser, "needs your permission")
        come_back(browser, actionstep_sandbox)


def test_a_task_that_lacks_a_scope_asks_for_it(browser, actionstep_sandbox):
    start(browser)
    Connection.objects.update(granted_scopes=["actions"])
    with a_worker():
        wait_for(browser, "needs your permission")
        assert "timerecords" in come_back(browser, actionstep_sandbox)["scopes"][0]


def test_another_user_does_not_see_it(browser, django_user_model):
    start(browser)
    other = Client()
    other.force_login(django_user_model.objects.create(username="other"))
    assert "Waiting" not in other.get("/hours/").content.decode()
    app.control.purge()
"""


@pytest.mark.long
def test_there_and_back_again(tmp_path: Path) -> None:
    """Progress, waiting, an end that only the user can cure, the way through Actionstep, and a new start."""
    site = start_project(tmp_path)
    with (site / "settings.py").open("a") as target:
        target.write("\n" + lines_for("settings.py", "docs/tutorial.md"))
        target.write('\nTEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]\n')
        target.write('ACTIONSTEP_CONNECT["SCOPES"] = ["timerecords"]\nALLOWED_HOSTS = ["*"]\n')
    (site / "celery.py").write_text(CELERY)
    (site / "__init__.py").write_text("from mysite.celery import app\n")
    (site / "urls.py").write_text(lines_for("urls.py", PAGE))
    (tmp_path / "hours.py").write_text(lines_for("hours.py", PAGE))
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "hours.html").write_text(lines_for("hours.html", PAGE))
    (tmp_path / "test_it.py").write_text(PROOF)
    run_its_tests(tmp_path)
