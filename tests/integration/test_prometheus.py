"""Metrics: the text that Prometheus reads, parsed by its own parser, says what the database holds."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connections
from django.test import Client
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries

from actionstep_connect.contrib.prometheus import ConnectionsCollector
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connections
from tests.support.sandbox import fault

pytestmark = pytest.mark.django_db(transaction=True)

DOCS = Path(__file__).parents[2] / "docs"
Sample = tuple[str, tuple[str, ...]]


def parsed(text: str) -> dict[Sample, float]:
    return {
        (
            sample.name.removeprefix("actionstep_connect_"),
            tuple(sample.labels.values()),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(client: Client) -> dict[Sample, float]:
    response = client.get("/metrics/")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain; version=")
    return parsed(response.text)


def documented() -> set[str]:
    text = (DOCS / "monitoring.md").read_text()
    return set(re.findall(r"^\| `(actionstep_connect_\w+)", text, re.MULTILINE))


def described() -> set[str]:
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in ConnectionsCollector().describe()
    }


def test_a_scrape_says_what_the_database_holds(sandbox: Sandbox, client: Client) -> None:
    """After a run of 5, one of which failed: counts, times and outcomes, read by the real parser."""
    rows = sandbox_connections(sandbox, 5, **expired())
    fault(sandbox, "status_503")
    maintain()
    Connection.objects.filter(pk=rows[0].pk).update(status="disconnected", refresh_at=None)
    soon = datetime.now(UTC) + timedelta(days=3)
    make_connection(make_user(), **expired(refresh_token_expires_at=soon))
    seen = scrape(client)
    assert seen["up", ()] == 1
    assert seen["connections", ("connected",)] == 5
    assert seen["connections", ("disconnected",)] == 1
    assert seen["connections", ("reconnect_required",)] == 0
    assert (seen["due", ()], seen["overdue", ()], seen["near_limit", ()]) == (1, 1, 1)
    assert 15 * 60 <= seen["longest_overdue_seconds", ()] < 17 * 60
    assert 3 * 86400 - 120 < seen["soonest_limit_seconds", ()] <= 3 * 86400
    assert seen["refreshes_total", ("refreshed",)] == 4
    assert seen["refreshes_total", ("failed",)] == 1
    assert seen["refreshes_total", ("refused",)] == 0
    assert 0 <= seen["seconds_since_run", ()] < 60
    assert seen["run_seconds", ()] == Heartbeat.objects.get().seconds
    assert seen["orphaned", ()] == 0
    assert {name for name, _ in seen} == {
        name.removeprefix("actionstep_connect_") for name in described()
    }


def test_what_stopped_a_run_is_told(sandbox: Sandbox, client: Client) -> None:
    """Of all reasons the one that applied is 1, so that an alert needs no text."""
    sandbox_connections(sandbox, 1, **expired())
    fault(sandbox, "oauth_error", error="invalid_client")
    maintain()
    seen = scrape(client)
    stopped = {labels[0]: value for (name, labels), value in seen.items() if name == "run_stopped"}
    assert stopped.pop("client_rejected") == 1
    assert set(stopped.values()) == {0}
    assert "outage" in stopped


def test_a_site_where_nothing_ran_makes_no_figures_up(client: Client) -> None:
    """Without a run there is no time since one; without connections no soonest limit."""
    seen = scrape(client)
    assert ("seconds_since_run", ()) not in seen
    assert ("soonest_limit_seconds", ()) not in seen
    assert (seen["up", ()], seen["refreshes_total", ("refreshed",)]) == (1, 0)


def test_a_scrape_is_eight_queries(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """However many connections and processes there are: six, and two of change notifications."""
    for _ in range(3):
        make_connection(make_user(), **expired())
    with django_assert_num_queries(8):
        scrape(client)


def test_openmetrics_is_spoken_too(client: Client) -> None:
    """A Prometheus that asks for it gets OpenMetrics, which its own parser reads."""
    response = client.get("/metrics/", headers={"Accept": "application/openmetrics-text"})
    assert response["Content-Type"].startswith("application/openmetrics-text")
    families = parse_openmetrics(response.text)  # type: ignore[no-untyped-call]  # Theirs.
    names = {family.name for family in families}
    assert "actionstep_connect_connections" in names


def test_it_takes_its_place_beside_a_sites_own_metrics(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Registering asks no database; and a database that is away costs the others nothing."""
    registry = CollectorRegistry(auto_describe=True)
    Counter("site_orders", "The site's own.", registry=registry).inc()
    with django_assert_num_queries(0):
        registry.register(ConnectionsCollector())

    def fail(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connections["default"].execute_wrapper(fail):
        seen = parsed(generate_latest(registry).decode())
    assert (seen["site_orders_total", ()], seen["up", ()]) == (1, 0)
    assert ("due", ()) not in seen
    assert parsed(generate_latest(registry).decode())["up", ()] == 1


def test_the_documentation_lists_every_metric() -> None:
    """docs/monitoring.md has each metric, and none that does not exist."""
    assert documented() == described()


def test_the_alert_rules_use_metrics_and_labels_that_exist() -> None:
    """A misspelt name would never alert; each alert says what to do."""
    groups = yaml.safe_load((DOCS / "prometheus-rules.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    labels = {
        value
        for family in _measured()
        for sample in family.samples
        for value in sample.labels.values()
    }
    for rule in rules:
        names = set(re.findall(r"\bactionstep_connect_\w+", rule["expr"]))
        assert names, rule
        assert names <= described(), rule
        named = "|".join(re.findall(r'=~?"([\w|]+)"', rule["expr"])).split("|")
        assert set(named) - {""} <= labels, rule
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
    assert len({rule["alert"] for rule in rules}) == len(rules) == 11


def _measured() -> list[Any]:
    now = datetime.now(UTC)
    Heartbeat.objects.create(job="maintain_connections", started_at=now, finished_at=now, seconds=1)
    return list(ConnectionsCollector().collect())
