"""Named filters: which connections, said once."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldError
from django.db import models, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.functions import Now
from django.db.models.query import ModelIterable

from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    NotConnected,
    ReconnectRequired,
)
from actionstep_connect.models.condition import Condition, condition_of, of_active_users
from actionstep_connect.models.status import Status
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.scopes import ALL, unique_scopes

if TYPE_CHECKING:
    from actionstep_connect.models import Connection

    _Base = models.QuerySet[Connection]
else:
    _Base = models.QuerySet

#: A user, or the primary key of one: a number, a UUID or text, as the site's user model has it.
UserOrKey = AbstractBaseUser | int | str | UUID


class UtcNow(Now):
    """The database's clock, in UTC everywhere.

    Django leaves MySQL at its session's time zone, where a lease would end when summer time begins.
    """

    def as_mysql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


class _ConnectionIterable(ModelIterable):  # type: ignore[type-arg] # Not generic at run time.
    """Notes on each connection when its user was read with it."""

    def __iter__(self) -> "Iterator[Connection]":
        joined, begun = self.queryset.query.select_related, time.monotonic()
        with_user = joined is True or (isinstance(joined, dict) and "user" in joined)
        for connection in super().__iter__():
            if with_user:
                connection.user_read_at = begun
            yield connection


class ConnectionQuerySet(_Base):
    """Connections. Nothing here picks one without naming its user."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterable_class = _ConnectionIterable

    def order_by(self, *field_names: Any) -> Self:
        """Order as usual, but by no sealed column."""
        for name in field_names:
            if isinstance(name, str) and name.lstrip("-+").startswith("sealed_"):
                raise FieldError(f"{name} is sealed: it gives no order.")
        return super().order_by(*field_names)

    def in_environment(self) -> Self:
        """Those of the configured environment."""
        return self.filter(environment=get_config().environment)

    def for_user(self, user: UserOrKey) -> Self:
        """Those of `user`, or of the user with this primary key, here, ended ones included.

        The user is read with each, because no token of an inactive user is opened.
        """
        return self.in_environment().filter(user=getattr(user, "pk", user)).select_related("user")

    def usable(self, *, scopes: Iterable[str] = ()) -> Self:
        """Those that can be used here and now, of active users, and grant all of `scopes`."""
        config = get_config()
        rows = self.in_environment().filter(
            of_active_users(), status=Status.CONNECTED, client_id=config.client_id
        )
        for scope in unique_scopes(scopes):
            rows = rows.filter(Q(granted_scopes__has=scope) | Q(granted_scopes__has=ALL))
        return rows.select_related("user")

    def get_usable(self, pk: "UUID | str") -> "Connection":
        """Return the connection with this id, if it can be used here and now. Asks the primary.

        Raises NotConnected (`inactive_user` for a user who is not active) or ReconnectRequired.
        """
        rows = (
            self.in_environment()
            .filter(pk=pk)
            .exclude(status=Status.DISCONNECTED)
            .select_related("user")
        )
        return _pick(list(rows.on_primary()), user="", orgkey=None)

    def only(self, *fields: str) -> Self:
        """Load these columns alone, and the user only where they name it."""
        rows = self if "user" in fields else self.select_related(None)
        return super(ConnectionQuerySet, rows).only(*fields)

    def select_for_update(self, *args: Any, **kwargs: Any) -> Self:
        """Lock the connections, and not their users."""
        rows = self.select_related(None)
        return super(ConnectionQuerySet, rows).select_for_update(*args, **kwargs)

    def due(self, *, now: datetime) -> Self:
        """Those to be refreshed by this site's client at `now`; served by one index."""
        config = get_config()
        return self.filter(
            environment=config.environment, client_id=config.client_id, refresh_at__lte=now
        )

    def unleased(self) -> Self:
        """Those that no process is refreshing and whose last lease was given back."""
        return self.filter(lease_expires_at=None)

    def lapsed(self) -> Self:
        """Those whose lease ran out, by the database's clock: its owner died or was cut off."""
        return self.filter(lease_expires_at__lt=UtcNow())

    def claimable(self) -> Self:
        """Those that no process is refreshing."""
        return self.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=UtcNow()))

    def expiring(self, *, now: datetime, within: timedelta) -> Self:
        """Connected ones whose refresh token reaches its limit `within` that time, or has."""
        return self.filter(status=Status.CONNECTED, refresh_token_expires_at__lte=now + within)

    def on_primary(self) -> Self:
        """The same, read where they are written: a replica may not know yet what has just changed."""
        return self.using(router.db_for_write(self.model))

    def get_for_user(self, user: UserOrKey, orgkey: str | None = None) -> "Connection":
        """Return `user`'s one usable connection, to `orgkey` where several may exist.

        `user` may be a primary key, as in Django's own filters.

        Raises NotConnected (`inactive_user` for a user who is not active), ReconnectRequired, or
        AmbiguousConnection (which lists the orgkeys); never because of what only a replica says.
        """
        candidates = self._candidates(user)
        try:
            return _pick(list(candidates), user, orgkey)
        except ActionstepConnectError:
            primary = candidates.on_primary()
            if primary.db == candidates.db:
                raise
        return _pick(list(primary), user, orgkey)

    async def aget_for_user(self, user: UserOrKey, orgkey: str | None = None) -> "Connection":
        """Do what `get_for_user` does, in async code."""
        candidates = self._candidates(user)
        try:
            return _pick([row async for row in candidates], user, orgkey)
        except ActionstepConnectError:
            primary = candidates.on_primary()
            if primary.db == candidates.db:
                raise
        return _pick([row async for row in primary], user, orgkey)

    def _candidates(self, user: UserOrKey) -> Self:
        return self.for_user(user).exclude(status=Status.DISCONNECTED)


def _pick(connections: "list[Connection]", user: UserOrKey, orgkey: str | None) -> "Connection":
    # Compared here, because databases differ in what they call the same word.
    candidates = [one for one in connections if orgkey is None or same_orgkey(one.orgkey, orgkey)]
    now, config = datetime.now(UTC), get_config()
    conditions = [condition_of(one, now=now, config=config) for one in candidates]
    usable = [
        one for one, condition in zip(candidates, conditions, strict=True) if condition.is_usable
    ]
    if len(usable) == 1:
        return usable[0]
    if usable:
        orgkeys = tuple(sorted(connection.orgkey for connection in usable))
        raise AmbiguousConnection(
            f"This user is connected to several organisations ({', '.join(orgkeys)}): pass orgkey.",
            orgkeys=orgkeys,
        )
    is_known_inactive = isinstance(user, AbstractBaseUser) and not user.is_active
    if is_known_inactive or Condition.USER_INACTIVE in conditions:
        raise NotConnected(
            "This user is not active, so no connection of theirs is used: connecting again does not "
            "help. What they have works again once the user is active.",
            code=ErrorCode.INACTIVE_USER,
        )
    if candidates:
        raise ReconnectRequired(
            "Actionstep no longer accepts this user's connection, or it belongs to another client: "
            "the user has to connect again."
        )
    place = "" if orgkey is None else f" to {orgkey!r}"
    raise NotConnected(f"This user is not connected{place}: send them to connect.")
