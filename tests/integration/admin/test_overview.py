"""Above the list: how all connections do, in numbers, words and charts."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from pytest_django import Settings

from actionstep_connect.admin.overview import Overview, overview
from actionstep_connect.flows.health import judge, oldest_due
from actionstep_connect.models import Connection, Heartbeat, RefreshHour, Status
from actionstep_connect.models.refresh_hour import hour_of
from tests.support.admin_pages import LIST, beat, page, text
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def connections(count: int, **values: Any) -> None:
    for _ in range(count):
        make_connection(make_user(), **values)


def days(number: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=number)


def look() -> Overview:
    now, heartbeat = datetime.now(UTC), Heartbeat.objects.first()
    problems = judge(heartbeat, oldest_due_at=oldest_due(), now=now)
    return overview(heartbeat, problems, now=now)


def test_each_number_leads_to_just_those_connections(admin: Client) -> None:
    """What a tile counts is what its link lists, and other environments are in neither."""
    connections(4)
    connections(1, consecutive_failures=3)
    connections(2, refresh_token_expires_at=days(2))
    connections(1, flagged_at=days(0))
    connections(3, status=Status.RECONNECT_REQUIRED, flagged_at=days(0), consecutive_failures=9)
    connections(1, status=Status.DISCONNECTED, refresh_token_expires_at=None)
    connections(2, environment="staging", refresh_token_expires_at=days(2))
    html = page(admin)
    tiles = re.findall(r'<a href="(\?[^"]+)"><strong>(\d+)</strong> ([^<]+)</a>', html)
    assert {words: int(number) for _, number, words in tiles} == {
        "connected": 8,
        "refresh failing": 1,
        "near their limit": 3,
        "to be reconnected": 3,
    }
    for query, number, _ in tiles:
        response = admin.get(f"{reverse(LIST)}{unescape(query)}")
        assert response.content.decode().count('class="action-select"') == int(number)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (None, "No user has connected yet."),
        ({}, "All is well"),
        ({"consecutive_failures": 1}, "Some refreshes are failing."),
        ({"consecutive_failures": 3}, "Some refreshes are failing."),
        ({"refresh_token_expires_at": timedelta(days=2)}, "1 connection needs to be reconnected"),
        ({"status": Status.RECONNECT_REQUIRED}, "1 connection needs to be reconnected"),
        ({"status": Status.DISCONNECTED}, "No user is connected now."),
    ],
)
def test_one_sentence_says_whether_all_is_well(values: dict[str, Any] | None, words: str) -> None:
    """Above everything stands what an administrator must know first."""
    if values is not None:
        times = {
            name: datetime.now(UTC) + value if isinstance(value, timedelta) else value
            for name, value in values.items()
        }
        make_connection(make_user(), **times)
    assert words in look().headline


def test_all_is_never_well_while_maintenance_stands_still(admin: Client) -> None:
    """Healthy rows do not hide a beat that is dead."""
    connections(1)
    beat(finished_at=datetime.now(UTC) - timedelta(hours=2))
    shown = text(page(admin))
    assert "All is well" not in shown
    assert "Maintenance last ran 2 h ago" in shown
    assert "Maintenance is overdue: it last ran 2 h ago" in text(page(admin, q="user"))


def test_refresh_tokens_are_charted_by_days_left(settings: Settings) -> None:
    """Each part of a token's life has a bar, those about to be flagged another colour."""
    connections(3, refresh_token_expires_at=days(20.5))
    connections(2, refresh_token_expires_at=days(2.5))
    connections(1, refresh_token_expires_at=days(-1))
    connections(1, refresh_token_expires_at=days(400))
    connections(1, status=Status.RECONNECT_REQUIRED, refresh_token_expires_at=days(2.5))
    chart = look().charts[0]
    assert chart.rows == [
        ("limit reached", 1),
        ("2 to 3 days left", 2),
        ("20 to 21 days left", 4),
    ]
    assert [bar.tone for bar in chart.bars] == ["error", "error", "ok"]
    assert "3 of 7 refresh tokens" in chart.summary
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "REFRESH_TOKEN_LIFETIME": timedelta(days=42),
        "WARN_BEFORE": timedelta(days=4),
    }
    assert ("2 to 4 days left", 2) in look().charts[0].rows


def test_the_last_day_is_charted_by_the_hour() -> None:
    """Refreshes rise above the line, failures hang below it; what is older is left out."""
    now = hour_of(datetime.now(UTC))
    RefreshHour.objects.create(hour=now, refreshed=200, failed=2, refused=1)
    RefreshHour.objects.create(hour=now - timedelta(hours=23), refreshed=100)
    RefreshHour.objects.create(hour=now - timedelta(hours=24), refreshed=999, failed=999)
    chart = look().charts[1]
    assert [row[1:] for row in chart.rows] == [(100, 0), (200, 3)]
    first, last, failed = chart.bars
    assert float(first.x) < 15
    assert float(last.x) == float(failed.x) > 330
    assert float(last.height) == pytest.approx(2 * float(first.height), abs=0.2)
    assert float(last.y) + float(last.height) == pytest.approx(float(chart.line), abs=0.2)
    assert (failed.y, failed.tone) == (chart.line, "error")
    assert "300 refreshed" in chart.summary
    assert "3 failed" in chart.summary


def test_the_last_day_names_the_highest_bar_up_or_down() -> None:
    """Beside a bar of failures alone stands how many they are, not none."""
    RefreshHour.objects.create(hour=hour_of(datetime.now(UTC)), failed=7)
    assert look().charts[1].peak == "up to 7 an hour"


def test_charts_are_drawn_within_their_frame() -> None:
    """However lopsided the numbers: nothing sticks out, and one in a million is still seen."""
    now = hour_of(datetime.now(UTC))
    for hours, good, bad in ((0, 1_000_000, 1), (1, 1, 1_000_000), (2, 0, 1), (3, 1, 0)):
        RefreshHour.objects.create(hour=now - timedelta(hours=hours), refreshed=good, failed=bad)
    bars = look().charts[1].bars
    assert len(bars) == 6
    for bar in bars:
        assert float(bar.height) >= 3
        assert float(bar.y) >= 0
        assert float(bar.y) + float(bar.height) <= 98


def test_charts_are_read_by_screen_readers_and_in_every_language(admin: Client) -> None:
    """Each has a title, a description and a table; a decimal comma does not break the drawing."""
    connections(3, refresh_token_expires_at=days(2.5))
    RefreshHour.objects.create(hour=hour_of(datetime.now(UTC)), refreshed=7)
    with translation.override("de"):
        html = page(admin)
    assert '<html lang="de"' in html
    assert (
        "<script" not in html[html.index("actionstep-overview") : html.index('id="content-main"')]
    )
    for name in ("days-left", "last-day"):
        svg = re.search(
            rf'<svg[^>]*aria-labelledby="chart-{name}-title chart-{name}-desc".*?</svg>',
            html,
            re.DOTALL,
        )
        assert svg is not None
        assert f'<title id="chart-{name}-title">' in svg[0]
        assert f'<desc id="chart-{name}-desc">' in svg[0]
        assert re.findall(r' (?:x|y|width|height)="([^"]+)"', svg[0])
        assert not re.findall(r' (?:x|y|width|height)="[^"]*,[^"]*"', svg[0])
    assert "2 to 3 days left" in text(html)


def test_the_overview_takes_five_queries() -> None:
    """One pass over the connections, however many there are and whatever is wrong with them."""
    connections(3)
    connections(3, consecutive_failures=5)
    with CaptureQueriesContext(database) as queries:
        look()
    assert (
        len(queries) == 5
    )  # The heartbeat, the oldest due, how large the table is, the connections, the hours.
    assert not [query for query in queries if "sealed" in query["sql"]]
    assert Connection.objects.count() == 6
