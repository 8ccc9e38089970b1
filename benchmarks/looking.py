"""What it takes to look at 1,000,000 connections in the admin."""

from collections.abc import Iterator
from functools import partial

from django.contrib.auth.models import Permission, User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.figure import Figure, median_ms
from benchmarks.fleet import multiply
from benchmarks.token_endpoint import TokenEndpoint

LIST = "/admin/actionstep_connect/connection/"
NAME = "the admin's list of 1,000,000"
WAYS = (
    ("its page 2", {"p": "2"}),
    ("its page 500", {"p": "500"}),
    ("its last page", {"p": "1000"}),
    ("a page beyond the last", {"p": "20000"}),
    ("ordered by user, the other way", {"o": "-1"}),
    ("ordered by what has no index", {"o": "4"}),
    ("by status", {"status__exact": "connected"}),
    ("by status, its last page", {"status__exact": "connected", "p": "1000"}),
    ("by a status that none has", {"status__exact": "reconnect_required"}),
    ("by flag: refresh failing", {"flag": "failing"}),
    ("by flag: near its limit", {"flag": "near-limit"}),
    ("by flag: overdue", {"flag": "overdue"}),
    ("by days left: under 7", {"days_left": "7"}),
    ("by days left: 14 and more", {"days_left": "more"}),
    ("by organisation", {"organisation": "firm-77"}),
    ("by an organisation that none has", {"organisation": "firm-7777"}),
    ("by environment", {"environment": "benchmark"}),
    ("by another environment", {"environment": "another"}),
    ("by scope", {"scope": "timerecords"}),
    ("by scope, its last page", {"scope": "timerecords", "p": "1000"}),
    ("searched for one user by name", {"q": "user-77123"}),
    ("searched for one user by e-mail", {"q": "user-77123@law.example"}),
    ("searched for an organisation", {"q": "firm-77"}),
    ("searched for what many have", {"q": "priya"}),
    ("searched for what many have, in two words", {"q": "priya nair"}),
)


def admin_list(_: TokenEndpoint) -> Iterator[Figure]:
    """The whole list, each filter, each kind of search and far pages, as staff with the view permission."""
    multiply(1_000_000, due=100)
    yield from looks()


def looks() -> Iterator[Figure]:
    """Look at whatever connections there are."""
    client = Client()
    looker, _ = User.objects.get_or_create(username="looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_connection"))
    client.force_login(looker)

    def look(**query: str) -> None:
        assert client.get(LIST, query).status_code == 200

    look()
    with CaptureQueriesContext(database) as queries:
        look()
    yield Figure(f"{NAME}: queries", len(queries), "", 10, "max")
    yield Figure(NAME, median_ms(look, repeat=9), "ms", 300, "max")
    for words, query in WAYS:
        yield Figure(
            f"{NAME}, {words}", median_ms(partial(look, **query), repeat=5), "ms", 300, "max"
        )
