"""Filters, searches, addresses and forms of the admin take any text, on every database."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from actionstep_connect.models import Connection, ConnectionEvent, EventKind, Status
from tests.support import law_firms
from tests.support.admin_pages import LIST
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = "admin:actionstep_connect_connectionevent_changelist"
HEARTBEATS = "admin:actionstep_connect_heartbeat_changelist"

TEXTS = (
    "\0", "a\0b", "'", '"', "\\", "%", "_", "(", "[", "*", "\n", "\r\n", "\x1b", "\ufffe", "\U0010ffff",
    "9" * 30, "-1", "1e999", "NaN", "nonsense", " ", "é" * 3000,
)  # fmt: skip

HOOKS = {
    "organisation": ("q", "p", "o", "environment", "environment__exact", "last_error__iexact"),
    "subscription": ("q", "p", "registration__exact", "is_wanted__exact", "event", "asked_for"),
    "notification": ("q", "state__exact", "caught_up__exact", "subscription__event", "received_at"),
}

FILTERS = ("status__exact", "flag", "days_left", "environment", "organisation", "scope")
#: What Django itself takes from an address, beside the filters that are offered.
LOOKUPS = (
    *("user__id__exact", "id__exact", "orgkey", "orgkey__icontains", "orgkey__regex"),
    *(
        "orgkey__in",
        "orgkey__iregex",
        "last_error__iexact",
        "granted_scopes",
        "granted_scopes__has",
    ),
    *("granted_scopes__contains", "consecutive_failures__gt", "connected_at__gte"),
    *("connected_at__year", "connected_at__date", "refresh_at__isnull", "client_id__startswith"),
)


def get(client: Client, name: str, **query: str) -> Any:
    response = client.get(reverse(name), query)
    assert response.status_code < 500, (query, response)
    return response


@pytest.mark.parametrize("name", FILTERS)
def test_each_filter_takes_any_text(admin: Client, name: str) -> None:
    """What no row can hold leaves no row, or is no choice of that filter; it is never an error."""
    make_connection(make_user())
    for text in TEXTS:
        response = admin.get(reverse(LIST), {name: text})
        assert response.status_code == 200, (name, text)
    shown = admin.get(reverse(LIST), {name: "\0"}).content.decode()
    assert 'class="action-select"' not in shown


@pytest.mark.parametrize("name", LOOKUPS)
def test_each_lookup_in_the_address_takes_any_text(admin: Client, name: str) -> None:
    """A look-up that no one offers is refused, leads back to the list, or lists what fits."""
    make_connection(make_user())
    for text in TEXTS:
        get(admin, LIST, **{name: text})


@pytest.mark.parametrize("name", ["q", "p", "o", "all", "_facets", "e", "_popup", "_to_field"])
def test_search_page_and_order_take_any_text(admin: Client, name: str) -> None:
    """So do the parts of an address that are no filters."""
    make_connection(make_user())
    for page in (LIST, EVENTS, HEARTBEATS):
        for text in TEXTS:
            get(admin, page, **{name: text})


@pytest.mark.parametrize("name", ["kind__exact", "at__gte", "at__lt", "detail", "actor", "q"])
def test_the_audit_trail_takes_any_text(admin: Client, name: str) -> None:
    """Its filters, and what Django takes from its address, are never an error either."""
    connection = make_connection(make_user())
    ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)
    for text in TEXTS:
        get(admin, EVENTS, **{name: text})


@pytest.mark.parametrize("model", HOOKS)
def test_what_is_heard_of_changes_takes_any_text(admin: Client, model: str) -> None:
    """So do the lists of organisations, subscriptions and notifications, in each of their parts."""
    law_firms.hearing()
    for name in HOOKS[model]:
        for text in TEXTS:
            get(admin, f"admin:actionstep_connect_hooks_{model}_changelist", **{name: text})


@pytest.mark.parametrize("model", HOOKS)
def test_a_row_of_changes_and_its_action_take_any_text(admin: Client, model: str) -> None:
    """A key that no row has leads back, and a forged form has nothing delivered again."""
    law_firms.hearing()
    place = f"admin:actionstep_connect_hooks_{model}"
    for text in TEXTS:
        for page in ("change", "history"):
            url = reverse(f"{place}_{page}", args=[text.replace("\n", "_0A")])
            assert admin.get(url).status_code < 500, (url, text)
        form = {"action": "deliver", "_selected_action": text}
        assert admin.post(reverse(f"{place}_changelist"), form).status_code in (200, 302, 403), text


@pytest.mark.parametrize("text", ["a" * 60_000, "a " * 1500])
def test_a_search_takes_any_length(admin: Client, text: str) -> None:
    """What is longer than every name finds nothing, where a database would refuse to search for it."""
    make_connection(make_user(username="aa"))
    hooks = (f"admin:actionstep_connect_hooks_{model}_changelist" for model in HOOKS)
    for name in (LIST, EVENTS, HEARTBEATS, *hooks):
        get(admin, name, q=text)
    shown = get(admin, LIST, q=text).content.decode()
    assert 'class="action-select"' not in shown


@pytest.mark.parametrize("model", ["connection", "connectionevent", "heartbeat"])
@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_the_address_of_one_row_takes_any_text(admin: Client, model: str, page: str) -> None:
    """A key that no row has leads back to the admin."""
    for text in TEXTS:
        url = reverse(f"admin:actionstep_connect_{model}_{page}", args=[text.replace("\n", "_0A")])
        assert admin.get(url).status_code < 500, (url, text)


@pytest.mark.parametrize(
    "action", ["refresh_now", "disconnect", "remind", "export_csv", "nonsense"]
)
def test_an_action_takes_any_selection(admin: Client, action: str) -> None:
    """A forged or broken form does nothing, and says so on the list."""
    make_connection(make_user())
    for text in TEXTS:
        for form in ({"_selected_action": text}, {"_selected_action": text, "_back": text}):
            data = {"action": action, "post": "yes", **form}
            response = admin.post(reverse(LIST), data)
            assert response.status_code < 400, (action, text)
    for form in ({"_back": ""}, {"index": "x"}, {"select_across": "0"}):
        data = {"action": action, "post": "yes", "_selected_action": "x", **form}
        assert admin.post(reverse(LIST), data).status_code < 400
    assert Connection.objects.get().status == Status.CONNECTED
