"""Organisations: which there are, whose turn it is to be looked at, and what is wanted there."""

import logging
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db import router
from django.db.models import Q, QuerySet

from actionstep_connect.conf import get_config
from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.hooks.flows.subscribe import organisation_of, subscription_of
from actionstep_connect.hooks.models import Address, Organisation, Search, Subscription
from actionstep_connect.hooks.policy import INTERVAL, wait_after
from actionstep_connect.hooks.registry import events_everywhere
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.orgkeys import folded

#: How long a worker may take with an organisation. If it dies, another one begins again then.
LEASE = timedelta(minutes=5)
#: How often an organisation is looked at where nothing is wanted.
REST = timedelta(hours=1)
#: How often all connections are searched for organisations that no sign of a connection told of.
SEARCH_INTERVAL = timedelta(hours=1)
#: So many organisations are found in one search; the others in the next round's.
MAX_FOUND = 5000
#: Of so many one is claimed; the others are for workers that come at the same moment.
BATCH = 20


def note_organisation(connection: Connection) -> None:
    """Note the organisation of a new connection, and have it looked at if it lacked a bearer."""
    if not _hears_everywhere():
        return
    organisation = organisation_of(connection.orgkey)
    in_trouble = organisations().filter(pk=organisation.pk).exclude(last_error="")
    in_trouble.update(check_at=datetime.now(UTC))


def find_organisations() -> None:
    """Note each organisation that users are connected to, where code wants to hear of all of them.

    Now and then only, because that reads all connections; `note_organisation` is told of new ones.
    """
    if not _hears_everywhere() or not _is_search_due():
        return
    environment = get_config().environment
    known = organisations().filter(environment=environment).values_list("orgkey", flat=True)
    connections = Connection.objects.usable().on_primary().select_related(None).order_by()
    found = connections.exclude(orgkey__in=known).values_list("orgkey", flat=True).distinct()
    new = list(islice(_others(found.iterator(), known), MAX_FOUND))
    rows = [Organisation(environment=environment, orgkey=orgkey) for orgkey in new]
    organisations().bulk_create(rows, ignore_conflicts=True, batch_size=500)
    if len(rows) < MAX_FOUND:
        values = {"searched_at": datetime.now(UTC)}
        if not _searches().filter(environment=environment).update(**values):
            search = Search(environment=environment, **values)
            _searches().bulk_create([search], ignore_conflicts=True)


def _others(orgkeys: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Yield those of `orgkeys` that are no other spelling of one that is known, or came before."""
    seen = {folded(orgkey) for orgkey in known}
    for orgkey in orgkeys:
        if folded(orgkey) not in seen:
            seen.add(folded(orgkey))
            yield orgkey


def _hears_everywhere() -> bool:
    return get_config().hooks_bearer is not None and bool(events_everywhere())


def _is_search_due() -> bool:
    last = datetime.now(UTC) - SEARCH_INTERVAL
    recent = _searches().filter(environment=get_config().environment, searched_at__gt=last)
    return not recent.exists()


def _searches() -> "QuerySet[Search]":
    return Search.objects.using(router.db_for_write(Search))


def organisations() -> "QuerySet[Organisation]":
    """Return all organisations, on the primary."""
    return Organisation.objects.using(router.db_for_write(Organisation))


def update_wanted(organisation: Organisation) -> bool:
    """Have a subscription for each event that is wanted, and no other one wanted; return if any is."""
    everywhere = events_everywhere()
    rows = Turn(organisation, owner="").subscriptions()
    for event in everywhere - set(rows.values_list("event", flat=True)):
        subscription_of(organisation, event)
    wanted = Q(asked_for=True) | Q(asked_for=None, event__in=everywhere)
    rows.filter(wanted, is_wanted=False).update(is_wanted=True)
    rows.exclude(pk__in=rows.filter(wanted).values("pk")).filter(is_wanted=True).update(
        is_wanted=False
    )
    return rows.filter(wanted).exists()


def claim_organisation() -> "Turn | None":
    """Claim the organisation that has waited longest for its turn, if there is one."""
    return repeated(_claim)


class TurnLostError(Exception):
    """Another worker has the organisation now, because this one took longer than its lease."""


class Turn:
    """The right to look at the hooks of an organisation, for as long as its lease lasts."""

    def __init__(self, organisation: Organisation, *, owner: str) -> None:
        self.organisation, self._owner = organisation, owner
        self.bearer: Connection | None = None

    def subscriptions(self) -> "QuerySet[Subscription]":
        """Return the subscriptions of the organisation."""
        rows = Subscription.objects.using(router.db_for_write(Subscription))
        return rows.filter(organisation=self.organisation)

    def wanted(self) -> dict[int, Subscription]:
        """Return those that are wanted, by their keys."""
        return {row.pk: row for row in self.subscriptions().filter(is_wanted=True).order_by("pk")}

    def has_hooks(self) -> bool:
        """Return whether hooks may be registered there."""
        addresses = Address.objects.using(router.db_for_write(Address))
        return addresses.filter(
            subscription__organisation=self.organisation, retired_at=None
        ).exists()

    def hold(self) -> None:
        """Keep the turn for a whole lease from now. Raises TurnLostError if another worker has it."""
        mine = organisations().filter(pk=self.organisation.pk, lease_owner=self._owner)
        if not repeated(lambda: mine.update(lease_expires_at=UtcNow() + LEASE)):
            raise TurnLostError

    def succeed(self) -> None:
        """Release the organisation: nothing is wrong with it."""
        values = {"consecutive_failures": 0, "last_error": "", "bearer": self.bearer}
        self._give_back(INTERVAL, checked_at=datetime.now(UTC), **values)

    def rest(self) -> None:
        """Release the organisation: nothing is wanted there."""
        self._give_back(REST, consecutive_failures=0, last_error="")

    def fail(self, why: str, *, with_traceback: bool = False) -> None:
        """Release the organisation, to be tried again after a wait that grows.

        `with_traceback` is for what was not foreseen: the record has that, and is an error.
        """
        failures = self.organisation.consecutive_failures + 1
        log(
            logging.ERROR if with_traceback else logging.WARNING,
            LogEvent.HOOKS_FAILED,
            orgkey=self.organisation.orgkey,
            error=why[:200],
            with_traceback=with_traceback,
        )
        wait = max(wait_after(failures), INTERVAL)
        self._give_back(wait, consecutive_failures=failures, last_error=why[:200])

    def _give_back(self, wait: timedelta, **values: Any) -> None:
        mine = organisations().filter(pk=self.organisation.pk, lease_owner=self._owner)
        # Not where it was asked for meanwhile, such as by `subscribe`: then its turn comes at once.
        is_asked = ~Q(check_at=self.organisation.check_at)
        soon = repeated(lambda: mine.filter(is_asked).update(**_RELEASED, **values))
        if not soon:
            repeated(lambda: mine.update(check_at=datetime.now(UTC) + wait, **_RELEASED, **values))


_RELEASED: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None}


def _claim() -> Turn | None:
    # SELECT id … LIMIT 1; UPDATE … WHERE id = ? AND free; on every database, because turns are few.
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=UtcNow())
    due = organisations().filter(
        free, environment=get_config().environment, check_at__lte=datetime.now(UTC)
    )
    owner = secrets.token_hex(16)
    for key in due.order_by("check_at").values_list("pk", flat=True)[:BATCH]:
        mine = due.filter(pk=key)
        if mine.update(lease_owner=owner, lease_expires_at=UtcNow() + LEASE):
            return Turn(organisations().get(pk=key), owner=owner)
    return None
