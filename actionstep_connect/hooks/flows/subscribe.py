"""Subscribing at run time: for one organisation, beside what code says for all of them."""

from datetime import UTC, datetime
from itertools import chain

from django.db import router
from django.db.models import QuerySet
from django.db.models.functions import Lower

from actionstep_connect.conf import get_config
from actionstep_connect.hooks.models import Organisation, Subscription
from actionstep_connect.hooks.registry import check_event
from actionstep_connect.models import Connection
from actionstep_connect.orgkeys import same_orgkey


def subscribe(orgkey: str, *events: str) -> None:
    """Hear of `events` in one organisation. Their hooks are registered with the next maintenance.

    Raises ValueError for what cannot be the name of an event.
    """
    _ask(orgkey, events, asked_for=True)


def unsubscribe(orgkey: str, *events: str) -> None:
    """Hear of `events` in one organisation no more, even where code wants them everywhere.

    Their hooks are removed with the next maintenance. What waits to be delivered is dropped.
    Raises ValueError for what cannot be the name of an event.
    """
    _ask(orgkey, events, asked_for=False)


def organisation_of(orgkey: str) -> Organisation:
    """Return the row of an organisation in this environment, made if there is none.

    There is one for all spellings of a key: two would remove each other's hooks.
    """
    environment = get_config().environment
    rows = Organisation.objects.using(router.db_for_write(Organisation))
    here = rows.filter(environment=environment)
    if (known := here.filter(orgkey=orgkey).first()) is not None:
        return known
    spelling = _spelling(orgkey, here)
    new = Organisation(environment=environment, orgkey=spelling)
    rows.bulk_create([new], ignore_conflicts=True)
    return here.get(orgkey=spelling)


def _spelling(orgkey: str, organisations: "QuerySet[Organisation]") -> str:
    """Return the key as its row has it, or a connection, because a site may search for that."""
    # Not by `iexact`, which is exact on MySQL, where the column compares bytes.
    connections = Connection.objects.on_primary().in_environment().alias(lower=Lower("orgkey"))
    connected = connections.filter(lower=orgkey.lower())
    known = chain(
        organisations.values_list("orgkey", flat=True), connected.values_list("orgkey", flat=True)
    )
    return next((other for other in known if same_orgkey(other, orgkey)), orgkey)


def subscription_of(organisation: Organisation, event: str) -> Subscription:
    """Return the row of an event of an organisation, made if there is none."""
    rows = Subscription.objects.using(router.db_for_write(Subscription))
    known = rows.filter(organisation=organisation, event=event)
    if not known.exists():
        new = Subscription(organisation=organisation, event=event, is_wanted=False)
        rows.bulk_create([new], ignore_conflicts=True)
    return known.get()


def _ask(orgkey: str, events: tuple[str, ...], *, asked_for: bool) -> None:
    for event in events:
        check_event(event)
    organisation = organisation_of(orgkey)
    for event in events:
        row = subscription_of(organisation, event)
        Subscription.objects.using(row._state.db).filter(pk=row.pk).update(
            asked_for=asked_for, is_wanted=asked_for
        )
    Organisation.objects.using(organisation._state.db).filter(pk=organisation.pk).update(
        check_at=datetime.now(UTC)
    )
