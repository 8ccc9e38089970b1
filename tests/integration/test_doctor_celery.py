"""`actionstep_doctor` on Celery: a library that is missing, and a queue that no worker takes from."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, current_app
from django.core.checks import CheckMessage

from actionstep_connect.checks.deployment import check_queues
from actionstep_connect.flows.doctor import Finding
from actionstep_connect.management.broker import WORKERS_TIMEOUT, check_celery
from actionstep_connect.models.severity import Severity
from tests.support.worker_process import celery_settings, running_worker

START_SECONDS = 60
TASKS = "actionstep_connect.tasks.*"
CHANGES = "actionstep_connect.hooks.tasks.*"


@pytest.fixture
def app() -> Generator[Celery]:
    """Set a Celery app of its own for this process."""
    former = current_app._get_current_object()
    app = Celery("doctor", broker="memory://", set_as_current=False)
    app.set_current()
    yield app
    former.set_current()
    app.close()


def found() -> dict[str, Finding]:
    return {finding.part: finding for finding in check_celery()}


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("sqs://", 'pip install "kombu[sqs]"'),
        ("SQS://", 'pip install "kombu[sqs]"'),
        ("mongodb://user:canary@127.0.0.1:1/", 'pip install "kombu[mongodb]"'),
        ("sqla+sqlite:///x.db", 'pip install "kombu[sqlalchemy]"'),
        ("zookeeper://127.0.0.1:1/", 'pip install "kombu[zookeeper]"'),
        ("kafka://127.0.0.1:1/", 'pip install "kombu[confluentkafka]"'),
        (["sqs://", "sqs://"], 'pip install "kombu[sqs]"'),
    ],
)
def test_a_missing_broker_library_is_an_install_command(
    app: Celery, url: str | list[str], command: str
) -> None:
    """The cure names what to install for this very broker, not a server to start."""
    app.conf.broker_url = url
    finding = found()["broker"]
    assert finding.severity is Severity.WARNING
    assert command in finding.hint
    assert "is not installed" in finding.text
    assert "canary" not in repr(finding)


def test_a_broker_that_is_away_with_its_library_is_to_be_started(app: Celery) -> None:
    """Where the library is there, nothing is to be installed."""
    app.conf.broker_url = "amqp://user:canary@127.0.0.1:1//"
    finding = found()["broker"]
    assert "Start it, or correct its address" in finding.hint
    assert "pip install" not in finding.hint


def test_a_broker_in_memory_is_not_asked_for_workers(app: Celery) -> None:
    """No other process could answer, so there is no wait for one."""
    begun = time.monotonic()
    assert set(found()) == {"broker"}
    assert time.monotonic() - begun < WORKERS_TIMEOUT


def test_a_queue_that_no_worker_takes_from_is_named(app: Celery, tmp_path: Path) -> None:
    """A real worker listens on `celery` while `task_routes` sends elsewhere: an error, with the option."""
    celery = celery_settings(tmp_path)
    app.conf.update(celery)
    with running_worker(tmp_path, {**celery, "task_routes": {TASKS: {"queue": "actionstep"}}}):
        wait_for_worker(tmp_path)
        assert found()["queue"].severity is Severity.OK
        app.conf.task_routes = {TASKS: {"queue": "actionstep"}}
        del app.amqp  # It has read the routes.
        finding = found()["queue"]
    assert finding.severity is Severity.ERROR
    assert "go to 'actionstep'" in finding.text
    assert "they take from 'celery'" in finding.text
    assert "--queues=actionstep" in finding.hint
    log = (tmp_path / "worker.log").read_text()
    assert "actionstep_connect.other_queue queue=actionstep This worker does not take" in log


def wait_for_worker(folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while " ready." not in (folder / "worker.log").read_text():
        assert time.monotonic() < until, (folder / "worker.log").read_text()
        time.sleep(0.1)


def test_a_queue_that_cannot_be_made_is_an_error(app: Celery) -> None:
    """Where beat could not even send, check and doctor say so."""
    app.conf.update(task_create_missing_queues=False, task_routes={TASKS: {"queue": "actionstep"}})
    assert found()["queue"].severity is Severity.ERROR
    assert ids(check_queues()) == ["E023"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"task_default_queue": "law"}, []),
        ({"task_routes": {TASKS: {"queue": "actionstep"}}}, ["I020"]),
        ({"beat_schedule": {"a": {"task": TASKS.replace("*", "maintain_connections"), "schedule": 60,
                                  "options": {"queue": "actionstep"}}}}, ["I020"]),
        ({"task_routes": {CHANGES: {"queue": "changes"}}}, ["I020"]),
        ({"task_routes": {TASKS: {"queue": "actionstep"}}, "broker_url": None}, []),
    ],
    ids=["plain", "default", "routes", "beat", "changes", "no Celery"],
)  # fmt: skip
def test_deployment_is_told_of_a_queue_of_its_own(
    app: Celery, values: dict[str, Any], expected: list[str]
) -> None:
    """`check --deploy` says with which option a worker must be started, if with any."""
    app.conf.update(values)
    assert ids(check_queues()) == expected


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).rpartition(".")[2] for message in messages]
