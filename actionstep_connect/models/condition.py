"""How is a connection, and who must act? The one judgement that every face puts into words.

`condition_of` judges a row, `where` selects the same rows in SQL; a test compares both over every
combination of what they read.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q

from actionstep_connect.conf import Config
from actionstep_connect.models.severity import Severity
from actionstep_connect.models.status import Status, StatusReason
from actionstep_connect.policy import FAILING_AFTER, OVERDUE_AFTER


class Judged(Protocol):
    """What `condition_of` reads of a connection, whose own module imports this one."""

    @property
    def environment(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def user(self) -> AbstractBaseUser: ...
    @property
    def status(self) -> str: ...
    @property
    def status_reason(self) -> str: ...
    @property
    def refresh_token_expires_at(self) -> datetime | None: ...
    @property
    def refresh_at(self) -> datetime | None: ...
    @property
    def flagged_at(self) -> datetime | None: ...
    @property
    def consecutive_failures(self) -> int: ...


class Condition(StrEnum):
    """How a connection is. The first that fits holds, in the order of `condition_of`."""

    ENDED_BY_USER = "ended_by_user"
    """Its user disconnected it."""
    ENDED_BY_ADMIN = "ended_by_admin"
    """An administrator disconnected it."""
    OTHER_ENVIRONMENT = "other_environment"
    """It belongs to an environment that the site does not use now."""
    USER_INACTIVE = "user_inactive"
    """Its user may not sign in, so it is not used."""
    ORGANISATION_CHANGED = "organisation_changed"
    """Actionstep connected a different organisation."""
    INTERRUPTED = "interrupted"
    """A refresh was interrupted, and the token that it may have spent was then refused."""
    UNREADABLE = "unreadable"
    """Its tokens cannot be decrypted."""
    REFUSED = "refused"
    """Actionstep refused its refresh token."""
    OTHER_CLIENT = "other_client"
    """It was made for another CLIENT_ID, and is never refreshed."""
    PAST_LIMIT = "past_limit"
    """Its refresh token should have expired; Actionstep has not refused it yet."""
    NEAR_LIMIT = "near_limit"
    """It is flagged, or would be if maintenance ran now."""
    FAILING = "failing"
    """Several refreshes in a row failed; they are retried."""
    OVERDUE = "overdue"
    """Its refresh has been due for so long that maintenance cannot be running, or not fast enough."""
    CONNECTED = "connected"
    """All is well."""

    @property
    def is_usable(self) -> bool:
        """Whether its user may use it here and now."""
        return self in _USABLE

    @property
    def needs_user(self) -> bool:
        """Whether only its user can restore or keep it: then they are alerted, and may be e-mailed."""
        return self in _NEEDS_USER

    @property
    def has_ended(self) -> bool:
        """Whether a person has disconnected it."""
        return self in (Condition.ENDED_BY_USER, Condition.ENDED_BY_ADMIN)

    @property
    def severity(self) -> Severity:
        """How serious it is: an error once its user cannot use it, a warning while they still can."""
        if self in (*_NEAR, Condition.FAILING, Condition.OVERDUE):
            return Severity.WARNING
        return Severity.ERROR if self.needs_user else Severity.OK

    @property
    def tone(self) -> str:
        """What faces call its colour: its severity, or `off` for what is neither used nor wrong."""
        is_off = self.severity is Severity.OK and not self.is_usable
        return "off" if is_off else self.severity.label


_NEAR = (Condition.PAST_LIMIT, Condition.NEAR_LIMIT)
_USABLE = frozenset({*_NEAR, Condition.FAILING, Condition.OVERDUE, Condition.CONNECTED})
_BY_REASON = {
    StatusReason.ORGANISATION_CHANGED.value: Condition.ORGANISATION_CHANGED,
    StatusReason.INTERRUPTED.value: Condition.INTERRUPTED,
    StatusReason.UNREADABLE.value: Condition.UNREADABLE,
}
_NEEDS_USER = frozenset({*_NEAR, *_BY_REASON.values(), Condition.REFUSED, Condition.OTHER_CLIENT})


def condition_of(
    connection: Judged, *, now: datetime, config: Config, user_is_active: bool | None = None
) -> Condition:
    """Return the condition of `connection`. Reads `user`, unless `user_is_active` is given."""
    if connection.status == Status.DISCONNECTED:
        by_admin = connection.status_reason == StatusReason.ENDED_BY_ADMIN
        return Condition.ENDED_BY_ADMIN if by_admin else Condition.ENDED_BY_USER
    if connection.environment != config.environment:
        return Condition.OTHER_ENVIRONMENT
    if not (connection.user.is_active if user_is_active is None else user_is_active):
        return Condition.USER_INACTIVE
    if connection.status == Status.RECONNECT_REQUIRED:
        return _BY_REASON.get(connection.status_reason, Condition.REFUSED)
    if connection.client_id != config.client_id:
        return Condition.OTHER_CLIENT
    return _kept(connection, now=now, config=config)


def _kept(connection: Judged, *, now: datetime, config: Config) -> Condition:
    limit, due = connection.refresh_token_expires_at, connection.refresh_at
    if limit is not None and limit <= now:
        return Condition.PAST_LIMIT
    if connection.flagged_at is not None or (limit and limit <= now + config.warn_before):
        return Condition.NEAR_LIMIT
    if connection.consecutive_failures >= FAILING_AFTER:
        return Condition.FAILING
    if due is not None and due < now - OVERDUE_AFTER:
        return Condition.OVERDUE
    return Condition.CONNECTED


def where(*conditions: Condition, now: datetime, config: Config) -> Q:
    """Select the connections in one of `conditions`; indexes serve those that are rare."""
    return Q(*(_where(each, now=now, config=config) for each in conditions), _connector=Q.OR)


def _where(condition: Condition, *, now: datetime, config: Config) -> Q:
    by_admin = Q(status_reason=StatusReason.ENDED_BY_ADMIN)
    here = Q(environment=config.environment) & ~Q(status=Status.DISCONNECTED)
    refused = here & of_active_users() & Q(status=Status.RECONNECT_REQUIRED)
    match condition:
        case Condition.ENDED_BY_ADMIN:
            return Q(status=Status.DISCONNECTED) & by_admin
        case Condition.ENDED_BY_USER:
            return Q(status=Status.DISCONNECTED) & ~by_admin
        case Condition.OTHER_ENVIRONMENT:
            elsewhere = _other_than(config.environment, "environment")
            return elsewhere & ~Q(status=Status.DISCONNECTED)
        case Condition.USER_INACTIVE:
            return here & ~of_active_users() if _may_be_inactive() else Q(pk__in=[])
        case Condition.REFUSED:
            return refused & ~Q(status_reason__in=_BY_REASON)
        case Condition.ORGANISATION_CHANGED | Condition.INTERRUPTED | Condition.UNREADABLE:
            return refused & Q(status_reason=condition.value)
    connected = Q(environment=config.environment, status=Status.CONNECTED) & of_active_users()
    if condition is Condition.OTHER_CLIENT:
        return connected & _other_than(config.client_id, "client_id")
    return (
        connected & Q(client_id=config.client_id) & _where_kept(condition, now=now, config=config)
    )


def _where_kept(condition: Condition, *, now: datetime, config: Config) -> Q:
    past = Q(refresh_token_expires_at__lte=now)
    near = Q(refresh_token_expires_at__lte=now + config.warn_before) | Q(flagged_at__isnull=False)
    failing = Q(consecutive_failures__gte=FAILING_AFTER)
    overdue = Q(refresh_at__lt=now - OVERDUE_AFTER)
    match condition:
        case Condition.PAST_LIMIT:
            return past
        case Condition.NEAR_LIMIT:
            return near & ~past
        case Condition.FAILING:
            return failing & ~near
        case Condition.OVERDUE:
            return overdue & ~failing & ~near
    return ~overdue & ~failing & ~near


def _other_than(value: str, column: str) -> Q:
    # Below and above: two ranges of an index, where "not" would be none.
    return Q((f"{column}__lt", value)) | Q((f"{column}__gt", value))


def of_active_users() -> Q:
    """Select the connections whose users are active."""
    return Q(user__is_active=True) if _may_be_inactive() else Q()


def _may_be_inactive() -> bool:
    # A user model need not have the column: then every user is active.
    return "is_active" in {field.name for field in get_user_model()._meta.get_fields()}
