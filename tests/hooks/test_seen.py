"""What people and machines see of change notifications: admin, doctor, metrics, checks."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from actionstep_connect.hooks.checks import check_hooks, check_reachable
from actionstep_connect.hooks.flows.deliver import deliver_due
from actionstep_connect.hooks.models import (
    Notification,
    Organisation,
    Registration,
    State,
    Subscription,
)
from actionstep_connect.models import Connection
from actionstep_connect.models.severity import Severity
from actionstep_connect.testing import Sandbox
from tests.support.hooks import body_of, call, findings, listen, subscribed

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).parents[2]


def test_the_doctor_has_nothing_to_say_of_a_healthy_site(connection: Connection) -> None:
    """It counts the hooks that are active."""
    assert [finding.text for finding in findings()] == ["No handler asks for changes."]
    listen("ActionUpdated")
    subscribed("ActionUpdated")
    assert [finding.text for finding in findings()] == ["Active: 1 of 1 hooks."]


def test_the_doctor_names_each_trouble(connection: Connection, settings: Settings) -> None:
    """A disabled hook, one that is refused, a bearer that cannot be used, what is missed, what waits."""
    listen("ActionUpdated")
    subscription, secret = subscribed("ActionUpdated")
    other, _ = subscribed("TaskUpdated")
    now = datetime.now(UTC)
    Subscription.objects.filter(pk=subscription.pk).update(
        registration=Registration.DISABLED,
        disabled_at=now,
        last_error="Actionstep called at 10:00 and did not get 200 in time.",
        missed_until=now,
    )
    Subscription.objects.filter(pk=other.pk).update(
        registration=Registration.MISSING, last_error="No such event."
    )
    Organisation.objects.update(last_error="HOOKS_BEARER names no user.")
    for row in (7, 8):
        call(secret, body_of(row))
    Notification.objects.filter(row_id="7").update(state=State.SET_ASIDE)
    Notification.objects.filter(row_id="8").update(due_at=now - timedelta(hours=1))
    texts = {finding.text: finding.severity for finding in findings()}
    for text, severity in {
        "A hook is disabled: ActionUpdated of acmelaw. Actionstep called at 10:00": Severity.ERROR,
        "Actionstep has disabled 1 hooks within a day": Severity.WARNING,
        "The hook for TaskUpdated of acmelaw is refused: No such event.": Severity.ERROR,
        "The hooks of acmelaw cannot be kept: HOOKS_BEARER names no user.": Severity.ERROR,
        "Changes were missed: ActionUpdated of acmelaw.": Severity.WARNING,
        "1 changes are set aside": Severity.WARNING,
        "Changes have been due for more than ten minutes": Severity.ERROR,
    }.items():
        assert [each for told, each in texts.items() if told.startswith(text)] == [severity], text
    settings.ACTIONSTEP_CONNECT = {
        **{k: v for k, v in settings.ACTIONSTEP_CONNECT.items() if k != "REDIRECT_URI"},
        "HOOKS_BEARER": None,
    }
    texts = {finding.text: finding.severity for finding in findings()}
    assert "It is not known where Actionstep is to call." in texts
    assert any("HOOKS_BEARER'] is not set" in text for text in texts)


def test_metrics_count_hooks_and_changes(connection: Connection, client: Client) -> None:
    """A scrape says how many hooks are in which state, and what waits."""
    listen("ActionUpdated")
    subscription, secret = subscribed("ActionUpdated")
    Subscription.objects.filter(pk=subscription.pk).update(times_disabled=3)
    call(secret, body_of(7))
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics/").text)
        for sample in family.samples
    }
    assert samples["actionstep_connect_hooks", "active"] == 1
    assert samples["actionstep_connect_hooks", "disabled"] == 0
    assert samples["actionstep_connect_hooks_disabled",] == 3
    assert samples["actionstep_connect_changes", "waiting"] == 1
    assert samples["actionstep_connect_longest_undelivered_seconds",] >= 0


def member_of_staff(*permissions: str) -> Client:
    """Return the browser of a member of staff with these permissions of the app."""
    user = User.objects.create(username="sam", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="actionstep_connect_hooks", codename__in=permissions
        )
    )
    client = Client()
    client.force_login(user)
    return client


def page(name: str, *args: Any) -> str:
    """Return the address of a page of the admin."""
    return reverse(f"admin:actionstep_connect_hooks_{name}", args=args)


def test_the_admin_shows_what_is_wanted_heard_and_set_aside_and_no_address(
    sandbox: Sandbox, connection: Connection
) -> None:
    """Every list and every row opens; no page shows a secret, its hash, or what a call held."""
    listen("ActionUpdated", read_again=False)
    subscription, secret = subscribed("ActionUpdated", connection=connection)
    call(secret, body_of(7, name="Marchetti v Marchetti"))
    client = member_of_staff("view_organisation", "view_subscription", "view_notification")
    rows = {
        "organisation": subscription.organisation,
        "subscription": subscription,
        "notification": Notification.objects.get(),
    }
    for name, row in rows.items():
        for url in (page(f"{name}_changelist"), page(f"{name}_change", row.pk)):
            answer = client.get(url)
            assert answer.status_code == 200, url
            assert "acmelaw" in answer.text
            for hidden in (secret.reveal(), "Marchetti", *secret_hashes(subscription)):
                assert hidden not in answer.text
        assert client.get(page(f"{name}_add")).status_code == 403
        assert client.post(page(f"{name}_delete", row.pk)).status_code == 403
    assert client.get(page("notification_changelist"), {"q": "7"}).status_code == 200


def secret_hashes(subscription: Subscription) -> list[str]:
    """Return what is stored of a subscription's secrets."""
    return list(subscription.addresses.values_list("secret_hash", flat=True))


def test_a_click_has_a_change_delivered_again(sandbox: Sandbox, connection: Connection) -> None:
    """The action needs its permission, and touches only what was set aside."""
    ears = listen("ActionUpdated")
    _, secret = subscribed("ActionUpdated")
    for row in (7, 8):
        call(secret, body_of(row))
    Notification.objects.update(state=State.SET_ASIDE)
    first = Notification.objects.get(row_id="7")
    form = {"action": "deliver", "_selected_action": [first.pk]}
    looker = member_of_staff("view_notification")
    looker.post(page("notification_changelist"), form)
    assert Notification.objects.filter(state=State.SET_ASIDE).count() == 2
    User.objects.all().filter(username="sam").delete()
    helper = member_of_staff("view_notification", "can_deliver")
    answer = helper.post(page("notification_changelist"), form, follow=True)
    assert "1 change will be delivered again." in answer.text
    answer = helper.post(page("notification_changelist"), form, follow=True)
    assert "there is nothing to deliver again" in answer.text
    deliver_due()
    assert ears.rows == ["7"]
    assert Notification.objects.get(row_id="8").state == State.SET_ASIDE


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "E001": ({"HOOKS_BEARER": None}, "is not set"),
    "E002": ({"HOOKS_BEARER": "nowhere.at_all"}, "importing it raised ModuleNotFoundError"),
    "E003": ({}, "do not include"),
    "W003": ({"REDIRECT_URI": None}, "not known where"),
    "W001": ({"ALLOWED_SCOPES": ["actions", "participants", "timerecords"]}, "lacks 'resthooks'"),
    "W002": ({"HOOKS_URL": "http://localhost/hooks/"}, "not https"),
}
WELL = {
    "HOOKS_BEARER": "tests.support.hooks.findings",
    "REDIRECT_URI": "https://law.example/actionstep/callback/",
    "ALLOWED_SCOPES": ["actions", "participants", "timerecords", "resthooks"],
}


@pytest.mark.parametrize("number", CASES)
def test_each_check_says_what_is_wrong(settings: Settings, number: str) -> None:
    """One mistake, one message with a hint; and nothing where no one wants to hear of changes."""
    values, words = CASES[number]
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **WELL, **values}
    if number == "E003":
        settings.ROOT_URLCONF = "actionstep_connect.urls"
    assert check_hooks() == check_reachable() == []
    listen("ActionUpdated")
    [message] = [*check_hooks(), *check_reachable()]
    assert message.id == f"actionstep_connect_hooks.{number}"
    assert words in message.msg
    assert message.hint


def test_a_site_that_is_well_has_no_message(settings: Settings) -> None:
    """Neither plainly nor for deployment."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **WELL}
    listen("ActionUpdated")
    assert check_hooks() == check_reachable() == []


def test_the_page_of_checks_has_each_id() -> None:
    """docs/checks.md and the code have the same ids."""
    text = (ROOT / "docs" / "checks.md").read_text()
    lines = re.findall(r"^\| `actionstep_connect_hooks\.([EW]\d{3})` \|", text, re.MULTILINE)
    code = (ROOT / "actionstep_connect" / "hooks" / "checks.py").read_text()
    assert sorted(lines) == sorted(re.findall(r'id=f"\{ID\}\.([EW]\d{3})"', code)) == sorted(CASES)
