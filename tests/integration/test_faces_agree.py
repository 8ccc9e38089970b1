"""One judgement of the site: health page, doctor, admin, metrics, alerts and drain tasks say the same."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from actionstep_connect.admin.notices import notices_of
from actionstep_connect.contrib.prometheus import ConnectionsCollector
from actionstep_connect.flows.doctor.finding import Finding
from actionstep_connect.flows.doctor.rows import connections, maintenance, waiting
from actionstep_connect.flows.health import HealthProblem, check_health, problem_of
from actionstep_connect.flows.maintain import may_share_backlog
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.models.severity import Severity
from tests.support.admin_pages import beat, page, text
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = Path(__file__).parents[2] / "docs"


def stop(reason: StoppedBy) -> Callable[[], None]:
    return lambda: beat(summary={"stopped_by": reason.value})


def stand_still() -> None:
    beat(finished_at=datetime.now(UTC) - timedelta(hours=1))


def overdue() -> None:
    beat()
    make_connection(make_user(), refresh_at=datetime.now(UTC) - timedelta(hours=1))


def never_run() -> None:
    overdue()
    Heartbeat.objects.all().delete()


def strand() -> None:
    beat(summary={"orphaned": 1})
    make_connection(make_user(), client_id="before")


#: How each comes about, where pages can still be shown; and the parts of the doctor that see it.
CAUSES: dict[HealthProblem, Callable[[], Any]] = {
    HealthProblem.NEVER_RUN: never_run,
    HealthProblem.NOT_RUNNING: stand_still,
    HealthProblem.OVERDUE: overdue,
    HealthProblem.ORPHANED: strand,
    HealthProblem.MESSAGES_EXPIRED: lambda: beat(discarded_at=datetime.now(UTC)),
    HealthProblem.CLOCKS: lambda: beat(stored_at=datetime.now(UTC) - timedelta(minutes=2)),
    **{problem: stop(reason) for reason in StoppedBy if (problem := problem_of(reason))},
}


def run_checks() -> list[Finding]:
    return [*maintenance(), *waiting(), *connections()]


def problems_measured() -> list[Any]:
    families = {family.name: family for family in ConnectionsCollector().collect()}
    samples: list[Any] = families["actionstep_connect_problem"].samples
    assert len(samples) == len(HealthProblem)
    return samples


def test_each_problem_has_a_cause_here() -> None:
    """Two are left out: without settings or a database there is no admin to ask."""
    assert set(HealthProblem) - set(CAUSES) == {HealthProblem.SETTINGS, HealthProblem.DATABASE}


@pytest.mark.parametrize("problem", CAUSES)
def test_all_faces_agree_on_each_problem(client: Client, problem: HealthProblem) -> None:
    """The page's status, the doctor's finding, the admin's notice and headline are of one severity."""
    CAUSES[problem]()
    assert check_health().problems == (problem,)

    response = client.get(reverse("actionstep_connect:health"))
    is_error = problem.severity is Severity.ERROR
    assert response.status_code == (503 if is_error else 200)
    assert response.json()["problems"] == ([problem] if is_error else [])

    (labels,) = (sample.labels for sample in problems_measured() if sample.value)
    assert labels == {"problem": problem.value, "severity": problem.severity.label}

    found = run_checks()
    worst = max(found, key=lambda each: each.severity)
    assert worst.severity == problem.severity
    assert worst.hint

    client.force_login(User.objects.create_superuser("root", "root@law.example", "a password"))
    html = page(client)
    shown = text(html)
    assert "All is well" not in shown
    assert ("Something is wrong with this site" in shown) is is_error
    assert f'actionstep-notice actionstep-{problem.severity.label}"' in html

    assert may_share_backlog() is not problem.stops_every_run


@pytest.mark.parametrize("reason", [StoppedBy.TIME, StoppedBy.SHUTDOWN, None])
def test_all_faces_agree_that_nothing_is_wrong(client: Client, reason: StoppedBy | None) -> None:
    """A run that ended before all was done is no problem while nothing is overdue."""
    beat(summary={"stopped_by": reason.value} if reason else {})
    make_connection(make_user())
    assert check_health().problems == ()
    assert client.get(reverse("actionstep_connect:health")).status_code == 200
    assert {sample.value for sample in problems_measured()} == {0}
    assert {finding.severity for finding in run_checks()} == {Severity.OK}
    client.force_login(User.objects.create_superuser("root", "root@law.example", "a password"))
    shown = page(client)
    assert "All is well" in text(shown)
    assert 'role="alert"' not in shown
    assert may_share_backlog()


@pytest.mark.parametrize("problem", HealthProblem)
def test_each_problem_has_words_for_administrators(problem: HealthProblem) -> None:
    """Whatever is wrong is said in a sentence, and so is what to do, without a mark-up that shows."""
    beat(summary={"orphaned": 3})
    with translation.override("en"):
        [notice] = notices_of([problem], Heartbeat.objects.get(), now=datetime.now(UTC))
    assert notice.text.endswith(".")
    assert notice.hint.endswith(".")
    assert "`" not in notice.text + notice.hint


@pytest.mark.parametrize("problem", CAUSES)
def test_alerts_are_as_severe_as_the_problem(problem: HealthProblem) -> None:
    """A problem that is an error has one alert, `critical`; a warning has none, or a `warning`."""
    (group,) = yaml.safe_load((DOCS / "prometheus-rules.yml").read_text())["groups"]
    severities = [
        rule["labels"]["severity"]
        for rule in group["rules"]
        for names in re.findall(r'_problem\{problem=~?"([\w|]+)"\}', rule["expr"])
        if problem in names.split("|")
    ]
    if problem.severity is Severity.ERROR:
        assert severities == ["critical"]
    else:
        assert severities in (["warning"], [])
