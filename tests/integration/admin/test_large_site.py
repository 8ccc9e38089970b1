"""A site with more connections than a page can count: lists end, figures are estimates, and both say so."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from actionstep_connect.admin import changelist, counts, size
from actionstep_connect.models import Connection, Heartbeat
from tests.support.admin_pages import page, staff, text
from tests.support.connections import make_due, new_connection

pytestmark = pytest.mark.django_db(transaction=True)

#: So many make a site large in these tests, of which a list shows the first 150.
ALL = 1200


@pytest.fixture(autouse=True)
def large_site(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill a site whose limits are a thousandth of the real ones."""
    monkeypatch.setattr(size, "SAMPLE", 300)
    monkeypatch.setattr(size, "LARGE", 600)
    for module in (size, counts, changelist):
        monkeypatch.setattr(module, "MAX_LISTED", 150)
    users = User.objects.bulk_create(
        User(username=f"lawyer-{number:04}", email=f"u{number}@law.example", first_name="Ann")
        for number in range(ALL)
    )
    Connection.objects.bulk_create(
        new_connection(user, access_token="a", refresh_token="r") for user in users
    )


def change(count: int, **values: Any) -> None:
    untouched = Connection.objects.filter(consecutive_failures=0)
    keys = untouched.values_list("pk", flat=True)[:count]
    Connection.objects.filter(pk__in=[*keys]).update(**values)


def rows(html: str) -> int:
    return html.count('class="action-select"')


def found(html: str) -> set[str]:
    return set(re.findall(r"lawyer-\d{4}", text(html)))


def test_a_list_ends_and_says_so(admin: Client) -> None:
    """What is beyond the last page is neither counted nor shown as if there were no more."""
    html = page(admin)
    assert rows(html) == 50
    assert "There are more than 150, and the first 150 are listed." in text(html)
    assert "150 connections" in text(html)
    last = page(admin, p="3")
    assert rows(last) == 50
    assert found(last) == {f"lawyer-{number:04}" for number in range(100, 150)}
    assert found(page(admin, p="20000")) == found(last)
    few = page(admin, q="lawyer-0007")
    assert "There are more" not in text(few)
    assert rows(few) == 1


def test_a_list_that_ends_is_sorted_only_by_an_index(admin: Client) -> None:
    """The headers of a list that was cut offer no order that would read the whole table."""
    html = page(admin, o="-3")
    assert found(html) == {f"lawyer-{number:04}" for number in range(50)}
    assert "sortable" not in html
    assert "sortable" in page(admin, q="lawyer-00")


def test_figures_are_estimates_where_they_say_about(admin: Client) -> None:
    """The number of connections comes from a sample; those in trouble are counted, be they ever so few."""
    change(3, consecutive_failures=4)
    change(2, refresh_token_expires_at=datetime.now(UTC) + timedelta(days=2))
    shown = text(page(admin))
    about = re.search(r"about ([\d,]+) connected", shown)
    assert about is not None
    assert ALL * 0.8 < int(about[1].replace(",", "")) < ALL * 1.2
    assert "3 refresh failing" in shown
    assert "2 near their limit" in shown
    assert re.search(r"2 of about [\d,]+ refresh tokens are flagged", shown)
    assert re.search(r"2 to 3 days left\W+2\b|1 to 2 days left\W+2\b", shown)


def test_what_is_beyond_counting_says_over(admin: Client) -> None:
    """Where very many are in trouble, the number ends, with a word that says so."""
    change(400, consecutive_failures=4)
    assert "over 150 refresh failing" in text(page(admin))


def test_a_search_begins_with_what_names_begin_with(admin: Client) -> None:
    """A name, an e-mail address or an organisation is found by its beginning; words say how to find more."""
    User.objects.filter(username="lawyer-0900").update(first_name="lawyer-0007", last_name="Lee")
    html = page(admin, q="LAWYER-0007")
    assert found(html) == {"lawyer-0007"}
    assert "To search everywhere: *LAWYER-0007" in text(html)
    assert found(page(admin, q="*lawyer-0007")) == {"lawyer-0007", "lawyer-0900"}
    assert found(page(admin, q="u77@law.example")) == {"lawyer-0077"}
    assert rows(page(admin, q="acmel")) == 50
    assert found(page(admin, q="lee")) == {"lawyer-0900"}
    assert found(page(admin, q='"lee" acmelaw')) == {"lawyer-0900"}
    assert rows(page(admin, q="nowhere")) == 0


@pytest.mark.parametrize("query", [{}, {"q": "nowhere"}, {"flag": "failing", "o": "3"}])
def test_staff_of_a_large_site_need_no_more_than_ten_queries(
    client: Client, query: dict[str, str]
) -> None:
    """An estimate takes no more statements than counting does."""
    staff(client, "view_connection", "can_refresh", "can_remind", "can_disconnect")
    with CaptureQueriesContext(database) as queries:
        page(client, **query)
    assert len(queries) <= 10


def test_a_site_without_maintenance_needs_no_further_query(client: Client) -> None:
    """Before maintenance has ever run, the list takes as many statements as after."""
    Heartbeat.objects.all().delete()
    make_due(Connection.objects.all())
    staff(client, "view_connection")
    with CaptureQueriesContext(database) as queries:
        html = page(client)
    assert len(queries) <= 10
    assert "Maintenance has never run" in text(html)
