"""Exporting connections as CSV: what was selected, no secrets, and no formulas."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from actionstep_connect.admin.connection import HIDDEN
from actionstep_connect.models import Connection
from tests.support.admin_pages import LIST, staff
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def export(client: Client, *connections: Connection, **data: str) -> list[dict[str, str]]:
    chosen = [str(connection.pk) for connection in connections]
    response = client.post(
        reverse(LIST), {"action": "export_csv", "_selected_action": chosen, **data}
    )
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment;")
    content = b"".join(response).decode()
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_the_export_holds_what_was_selected(client: Client) -> None:
    """The chosen rows only; or, across pages, all that search and filters leave."""
    staff(client, "view_connection")
    expires = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    priya = make_connection(make_user(username="priya"), refresh_token_expires_at=expires)
    tom = make_connection(make_user(username="tom"), orgkey="otherlaw")
    [row] = export(client, priya)
    assert (row["user"], row["email"], row["organisation"]) == (
        "priya",
        "priya@law.example",
        "acmelaw",
    )
    assert row["refresh_token_expires_at"] == "2026-11-01T12:00:00+00:00"
    assert row["scopes"] == "actions participants timerecords"
    assert row["id"] == str(priya.pk)
    assert {row["user"] for row in export(client, priya, tom)} == {"priya", "tom"}
    assert {row["user"] for row in export(client, priya, select_across="1")} == {"priya", "tom"}


def test_s45_the_export_holds_no_token_and_is_logged(client: Client) -> None:
    """No hidden column is in the file, and the admin log names who took it, and how much."""
    actor = staff(client, "view_connection")
    connections = [
        make_connection(make_user(), access_token="canary-a", refresh_token="canary-r")
        for _ in range(2)
    ]
    rows = export(client, *connections)
    assert not HIDDEN & set(rows[0])
    assert "canary" not in str(rows)
    assert connections[0].sealed_access_token not in str(rows)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr) == (actor, "2 connections")
    assert entry.change_message == "Exported as CSV."


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("x","y")'])
def test_no_cell_is_a_formula(client: Client, name: str) -> None:
    """What a user or Actionstep chose as a name is text to a spreadsheet as well."""
    staff(client, "view_connection")
    connection = make_connection(make_user(), orgkey=name, last_error=name)
    User.objects.filter(pk=connection.user_id).update(username=name, email=name)
    [row] = export(client, connection)
    for column in ("user", "email", "organisation", "last_error"):
        assert row[column] == f"'{name}"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "\r", "\n"])
@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", ' "=1+1', "\t=1"])
def test_no_cell_is_a_formula_however_a_spreadsheet_divides_the_line(
    client: Client, separator: str, formula: str
) -> None:
    """A spreadsheet set to another separator than the comma finds no formula behind one either."""
    staff(client, "view_connection")
    name = f"acme{separator}{formula}"
    connection = make_connection(make_user(), orgkey=name, last_error=name)
    User.objects.filter(pk=connection.user_id).update(username=name)
    response = client.post(
        reverse(LIST), {"action": "export_csv", "_selected_action": str(connection.pk)}
    )
    content = b"".join(response).decode()
    for delimiter in (";", ",", "\t", "|"):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            file = io.StringIO(content, newline="")
            for row in csv.reader(file, delimiter=delimiter, quoting=quoting):
                for cell in row:
                    assert not re.match(r"[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell), (
                        delimiter,
                        cell,
                    )


def test_an_ordinary_name_is_exported_as_it_is(client: Client) -> None:
    """What begins no formula is not changed: dashes within names, times, and addresses."""
    staff(client, "view_connection")
    connection = make_connection(make_user(username="mary-anne"), orgkey="smith; jones-co")
    [row] = export(client, connection)
    assert (row["user"], row["organisation"]) == ("mary-anne", "smith; jones-co")
    assert row["email"] == "mary-anne@law.example"


def test_a_long_export_is_sent_in_pieces(client: Client, django_assert_num_queries: Any) -> None:
    """The file is not built in memory: the rows are read while it is sent."""
    staff(client, "view_connection")
    users = User.objects.bulk_create(User(username=f"many-{number}") for number in range(50))
    now = datetime.now(UTC)
    connections = Connection.objects.bulk_create(
        Connection(
            user=user, environment="sandbox", client_id="sandbox-client", orgkey="acmelaw",
            connected_at=now, last_used_at=now,
        )
        for user in users
    )  # fmt: skip
    response = client.post(
        reverse(LIST),
        {"action": "export_csv", "_selected_action": str(connections[0].pk), "select_across": "1"},
    )
    assert response.streaming
    with django_assert_num_queries(1):
        assert len(list(response)) == 51
