"""How a hook is, and what became of a change: admin, doctor and metrics say the same of each state."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from actionstep_connect.contrib.prometheus import ConnectionsCollector
from actionstep_connect.hooks.models import (
    Notification,
    Organisation,
    Registration,
    State,
    Subscription,
)
from actionstep_connect.models import Connection
from actionstep_connect.models.severity import Severity
from tests.support.admin_pages import text
from tests.support.hooks import body_of, call, findings, listen, subscribed

pytestmark = pytest.mark.django_db(transaction=True)

REGISTRATIONS = {
    Registration.ACTIVE: Severity.OK,
    Registration.DISABLED: Severity.ERROR,
    Registration.MISSING: Severity.ERROR,
    Registration.SILENT: Severity.ERROR,
}
STATES = {
    State.WAITING: Severity.OK,
    State.DELIVERED: Severity.OK,
    State.SET_ASIDE: Severity.WARNING,
}


def severity_found() -> Severity:
    """Return the worst that the doctor finds of hooks."""
    return max(finding.severity for finding in findings())


def measured(name: str) -> dict[str, float]:
    """Return a metric by its only label."""
    families: dict[str, Any] = {each.name: each for each in ConnectionsCollector().collect()}
    samples = families[f"actionstep_connect_{name}"].samples
    return {value: sample.value for sample in samples for value in sample.labels.values()}


def shown(client: Client, name: str, **selection: str) -> str:
    """Return the words of the only row in the admin's list of those in one state."""
    client.force_login(User.objects.create_superuser("root", "root@law.example", "a password"))
    page = client.get(reverse(f"admin:actionstep_connect_hooks_{name}_changelist"), selection)
    assert page.context["cl"].result_count == 1
    return text(page.text.partition('id="result_list"')[2].partition("</tbody>")[0])


@pytest.mark.parametrize("registration", Registration)
def test_all_faces_agree_on_each_registration(
    connection: Connection, client: Client, registration: Registration
) -> None:
    """The admin names it, the metric counts it and nothing else, and all but an active hook is an error."""
    listen("ActionUpdated")
    subscribed("ActionUpdated")
    said = "" if registration is Registration.ACTIVE else "What was said."
    Subscription.objects.update(registration=registration, last_error=said)
    if registration is Registration.SILENT:  # Which comes of the organisation's.
        Organisation.objects.update(last_error=said)
    assert severity_found() == REGISTRATIONS[registration]
    counts = measured("hooks")
    assert counts == {each.value: float(each is registration) for each in Registration}
    words = shown(client, "subscription", registration__exact=registration.value)
    assert str(registration.label) in words


@pytest.mark.parametrize("state", State)
def test_all_faces_agree_on_each_state_of_a_change(
    connection: Connection, client: Client, state: State
) -> None:
    """The admin names it, the metric counts it and nothing else, and one set aside is a warning."""
    listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    call(secret, body_of(7))
    Notification.objects.update(state=state)
    assert severity_found() == STATES[state]
    assert measured("changes") == {each.value: float(each is state) for each in State}
    assert str(state.label) in shown(client, "notification", state__exact=state.value)
