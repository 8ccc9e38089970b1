"""What the doctor finds of change notifications: can Actionstep call, are hooks alive, what waits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch

from actionstep_connect.conf import SETTING, get_config
from actionstep_connect.flows.doctor import Finding, error, ok, warning
from actionstep_connect.hooks.addresses import address_around
from actionstep_connect.hooks.flows.claims import notifications
from actionstep_connect.hooks.flows.organisations import organisations
from actionstep_connect.hooks.flows.registering import subscriptions_here
from actionstep_connect.hooks.models import Registration, State
from actionstep_connect.hooks.registry import has_handlers

PART = "hooks"
#: How far back the doctor looks for hooks that were disabled, and for changes that were missed.
LOOKED_BACK = timedelta(days=1)
#: A change that waits for so long is more than a worker's turn late.
LONG = timedelta(minutes=10)
MAX_SHOWN = 5


def check() -> Iterator[Finding]:
    """Yield what is wrong with change notifications, or that nothing is."""
    if not has_handlers():
        yield ok(PART, "No handler asks for changes.")
        return
    found = [*_settings(), *_organisations(), *_subscriptions(), *_notifications()]
    yield from found
    if not found:
        wanted = subscriptions_here().filter(is_wanted=True)
        active = wanted.filter(registration=Registration.ACTIVE).count()
        yield ok(PART, f"Active: {active} of {wanted.count()} hooks.")


def _settings() -> Iterator[Finding]:
    if get_config().hooks_bearer is None:
        yield error(
            PART,
            f"{SETTING}['HOOKS_BEARER'] is not set: no hook is registered.",
            "Name a callable that returns an organisation's connection.",
        )
    try:
        before, _ = address_around()
    except (ImproperlyConfigured, NoReverseMatch):
        yield error(
            PART,
            "It is not known where Actionstep is to call.",
            "Include actionstep_connect.hooks.urls, and set REDIRECT_URI or HOOKS_URL.",
        )
        return
    if before.startswith("http:") and get_config().environment in ("production", "staging"):
        yield error(
            PART,
            f"Actionstep is to call {before}, which is not https.",
            "Set HOOKS_URL to an address that Actionstep reaches by https.",
        )


def _organisations() -> Iterator[Finding]:
    here = organisations().filter(environment=get_config().environment)
    for organisation in here.exclude(last_error="").order_by("orgkey")[:MAX_SHOWN]:
        yield error(
            PART,
            f"The hooks of {organisation.orgkey} cannot be kept: {organisation.last_error}",
            "Correct HOOKS_BEARER, or have the user whom it names connect again.",
        )


def _subscriptions() -> Iterator[Finding]:
    since = datetime.now(UTC) - LOOKED_BACK
    rows = subscriptions_here().filter(is_wanted=True).select_related("organisation")
    for row in rows.filter(registration=Registration.DISABLED)[:MAX_SHOWN]:
        yield error(
            PART,
            f"A hook is disabled: {row.event} of {row.organisation.orgkey}. {row.last_error}",
            "It is registered again within a minute. Check that maintenance runs.",
        )
    if count := rows.filter(disabled_at__gt=since).count():
        yield warning(
            PART,
            f"Actionstep has disabled {count} hooks within a day, because a call did not get 200.",
            "See your web server's log for what answered them: each restart must leave one server up.",
        )
    for row in rows.filter(registration=Registration.MISSING).exclude(last_error="")[:MAX_SHOWN]:
        yield error(
            PART,
            f"The hook for {row.event} of {row.organisation.orgkey} is refused: {row.last_error}",
            "Correct the event's name in your handler.",
        )
    for row in rows.filter(missed_until__gt=since)[:MAX_SHOWN]:
        yield warning(
            PART,
            f"Changes were missed: {row.event} of {row.organisation.orgkey}.",
            "Its page in the admin says from when to when. Compare these rows yourself.",
        )


def _notifications() -> Iterator[Finding]:
    if count := notifications().filter(state=State.SET_ASIDE).count():
        yield warning(
            PART,
            f"{count} changes are set aside: a handler kept raising.",
            "Correct the handler, then have them delivered again in the admin.",
        )
    late = datetime.now(UTC) - LONG
    waiting = notifications().filter(state=State.WAITING)
    if waiting.filter(due_at__lt=late).exists():
        yield error(
            PART,
            "Changes have been due for more than ten minutes and are not delivered.",
            "Check that the worker runs, and that it keeps up.",
        )
