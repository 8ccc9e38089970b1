"""Named filters: which connections, said once."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import FieldError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.functions import Now

from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import AmbiguousConnection, NotConnected, ReconnectRequired

if TYPE_CHECKING:
    from actionstep_connect.models import Connection

    _Base = models.QuerySet[Connection]
else:
    _Base = models.QuerySet

# Two members of `Status`, whose module imports this one.
CONNECTED = "connected"
DISCONNECTED = "disconnected"


class UtcNow(Now):
    """The database's clock, in UTC everywhere.

    Django leaves MySQL at its session's time zone, where a lease would end when summer time begins.
    """

    def as_mysql(
        self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **context)


class ConnectionQuerySet(_Base):
    """Connections. Nothing here picks one without naming its user."""

    def order_by(self, *field_names: Any) -> Self:
        """Order as ever, but by no sealed column."""
        for name in field_names:
            if isinstance(name, str) and name.lstrip("-+").startswith("sealed_"):
                raise FieldError(f"{name} is sealed: it gives no order.")
        return super().order_by(*field_names)

    def here(self) -> Self:
        """Those of the configured environment."""
        return self.filter(environment=get_config().environment)

    def for_user(self, user: AbstractBaseUser) -> Self:
        """`user`'s connections in the configured environment, ended ones included."""
        return self.here().filter(user=user.pk)

    def due(self, *, now: datetime) -> Self:
        """Those to be refreshed by this site's client at `now`; served by one index."""
        config = get_config()
        return self.filter(
            environment=config.environment, client_id=config.client_id, refresh_at__lte=now
        )

    def unleased(self) -> Self:
        """Those that nobody is refreshing and whose last lease was given back."""
        return self.filter(lease_expires_at=None)

    def lapsed(self) -> Self:
        """Those whose lease ran out, by the database's clock: its owner died or was cut off."""
        return self.filter(lease_expires_at__lt=UtcNow())

    def free(self) -> Self:
        """Those that nobody is refreshing."""
        return self.filter(Q(lease_expires_at=None) | Q(lease_expires_at__lt=UtcNow()))

    def nearing_limit(self, *, now: datetime, within: timedelta) -> Self:
        """Connected ones whose refresh token reaches its limit `within` that time, or has."""
        return self.filter(status=CONNECTED, refresh_token_expires_at__lte=now + within)

    def get_for_user(self, user: AbstractBaseUser, orgkey: str | None = None) -> "Connection":
        """Return `user`'s one usable connection, to `orgkey` where several may exist.

        Raises NotConnected, ReconnectRequired, or AmbiguousConnection (which lists the orgkeys).
        """
        return self._pick(list(self._candidates(user, orgkey)), orgkey)

    async def aget_for_user(
        self, user: AbstractBaseUser, orgkey: str | None = None
    ) -> "Connection":
        """Do what `get_for_user` does, in async code."""
        return self._pick([row async for row in self._candidates(user, orgkey)], orgkey)

    def _candidates(self, user: AbstractBaseUser, orgkey: str | None) -> Self:
        mine = self.for_user(user).exclude(status=DISCONNECTED).select_related("user")
        return mine if orgkey is None else mine.filter(orgkey=orgkey)

    def _pick(self, candidates: "list[Connection]", orgkey: str | None) -> "Connection":
        usable = [connection for connection in candidates if connection.is_usable]
        if len(usable) == 1:
            return usable[0]
        if usable:
            orgkeys = tuple(sorted(connection.orgkey for connection in usable))
            raise AmbiguousConnection(
                f"This user is connected to several organisations ({', '.join(orgkeys)}): pass orgkey.",
                orgkeys=orgkeys,
            )
        if candidates:
            raise ReconnectRequired(
                "Actionstep no longer accepts this user's connection, or it belongs to another client: "
                "the user has to connect again."
            )
        place = "" if orgkey is None else f" to {orgkey!r}"
        raise NotConnected(f"This user is not connected{place}: send them to connect.")
