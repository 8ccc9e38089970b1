"""What it takes to look at 100,000 connections in the admin."""

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
NAME = "the admin's list of 100,000"
WAYS = (
    ("its page 1,000", {"p": "1000"}),
    ("by status", {"status__exact": "connected"}),
    ("by flag", {"flag": "failing"}),
    ("by days left", {"days_left": "7"}),
    ("by organisation", {"organisation": "firm-77"}),
    ("by environment", {"environment": "benchmark"}),
    ("by scope", {"scope": "timerecords"}),
    ("searched for one user", {"q": "user-77123"}),
    ("searched for what many have", {"q": "priya"}),
)


def admin_list(_: TokenEndpoint) -> Iterator[Figure]:
    """The whole list, filtered and searched, as staff with the view permission."""
    multiply(100_000, due=100)
    client = Client()
    looker = User.objects.create(username="looker", is_staff=True)
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
