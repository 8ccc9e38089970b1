"""One user's grant for one organisation, and the state of its tokens."""

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.db import InterfaceError, InternalError, OperationalError, models, router
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL, MAX_CLIENT_ID, MAX_LABEL, get_config
from actionstep_connect.crypto import Context, get_key_ring
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import DecryptionFailed, NotConnected
from actionstep_connect.models.condition import condition_of
from actionstep_connect.models.fields import (
    BigNumber,
    Key,
    Moment,
    MomentField,
    MomentOrNone,
    Number,
    OrgkeyField,
    ScopeList,
    ScopesField,
    SealedField,
    Text,
    User,
    Words,
)
from actionstep_connect.models.querysets import ConnectionQuerySet
from actionstep_connect.models.status import Status, StatusReason
from actionstep_connect.organisation_names import MAX_NAME, shown_organisation
from actionstep_connect.orgkeys import MAX_ORGKEY
from actionstep_connect.policy import USER_KNOWN_FOR
from actionstep_connect.secret import Secret

ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a field in a sealing context.
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - as above.

#: What a row is; the only columns that `save()` may write once it exists.
IDENTITY = frozenset({"id", "user", "environment", "orgkey"})

#: What engine-owned columns hold while no process refreshes the row …
NO_LEASE: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None}
#: … and after no failure.
NO_FAILURES: dict[str, Any] = {
    "outcome_unknown_since": None,
    "consecutive_failures": 0,
    "last_error": "",
    "last_failed_at": None,
}


class Connection(models.Model):
    """One user's grant for one organisation in one environment.

    Tokens are opened by the row, one at a time and only when asked for. Everything but the identity
    of a row is owned by the flows, which write it with conditional UPDATEs.
    """

    #: Names the connection in addresses, messages and logs: no secret.
    id: Key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: Whose connection it is. Their connections are `user.actionstep_connections`.
    user: User = models.ForeignKey(
        AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="actionstep_connections",
        db_index=False,  # The unique constraint begins with it.
    )
    #: Where it was made: ``production``, ``staging`` or another of `ENVIRONMENT`.
    environment: Text = models.CharField(_("environment"), max_length=MAX_LABEL)
    #: The `CLIENT_ID` it was made with; never used with another.
    client_id: Text = models.CharField(_("client id"), max_length=MAX_CLIENT_ID)
    #: Actionstep's name of the organisation, such as ``acmelaw``.
    orgkey: OrgkeyField = OrgkeyField(_("organisation"), max_length=MAX_ORGKEY)
    #: The organisation's own name, where it is known.
    organisation_name: Text = models.CharField(
        _("organisation's name"), max_length=MAX_NAME, blank=True
    )
    #: When the organisation is to be asked for its name; null where it cannot be.
    organisation_name_due_at: MomentOrNone = MomentField(null=True, editable=False)
    #: The address of that organisation's API, as Actionstep gave it.
    api_endpoint: Text = models.CharField(_("API endpoint"), max_length=500, blank=True)
    #: What Actionstep granted, as a list of names. One is looked up with `granted_scopes__has`.
    granted_scopes: ScopeList = ScopesField(_("granted scopes"), blank=True)

    sealed_access_token: SealedField = SealedField(blank=True, editable=False)
    sealed_refresh_token: SealedField = SealedField(blank=True, editable=False)
    #: When the present access token expires.
    access_token_expires_at: MomentOrNone = MomentField(_("access token expires"), null=True)
    #: When the present refresh token reaches its limit, unless it is renewed before.
    refresh_token_expires_at: MomentOrNone = MomentField(_("refresh token expires"), null=True)

    #: A `Status`.
    status: Text = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.CONNECTED
    )
    #: A `StatusReason`, or empty while it is connected.
    status_reason: Text = models.CharField(
        _("reason"), max_length=20, choices=StatusReason.choices, blank=True
    )
    #: When the next refresh is due; null when none is.
    refresh_at: MomentOrNone = MomentField(_("next refresh"), null=True)
    #: When it was flagged as close to its limit; null when it is not.
    flagged_at: MomentOrNone = MomentField(_("flagged"), null=True)
    #: When the next reminder by e-mail is due.
    remind_at: MomentOrNone = MomentField(_("next reminder by e-mail"), null=True)
    #: Since when it is not known whether Actionstep has spent the refresh token; mostly null.
    outcome_unknown_since: MomentOrNone = MomentField(_("unconfirmed since"), null=True)
    #: How many refreshes in a row failed.
    consecutive_failures: Number = models.PositiveIntegerField(_("failures in a row"), default=0)
    #: What the last refresh that failed said; kept until one succeeds.
    last_error: Text = models.CharField(_("last error"), max_length=200, blank=True)
    #: When a refresh failed last; kept until one succeeds.
    last_failed_at: MomentOrNone = MomentField(_("last failed"), null=True)

    #: When its user connected, or connected again.
    connected_at: Moment = MomentField(_("connected"))
    #: When it was refreshed last; null before the first time.
    last_refreshed_at: MomentOrNone = MomentField(_("last refreshed"), null=True)
    #: When a token was asked for last, to the hour or so.
    last_used_at: Moment = MomentField(_("last used"))

    #: Raised with each new refresh token, and when the connection ends.
    generation: BigNumber = models.PositiveBigIntegerField(default=1, editable=False)
    lease_owner: Text = models.CharField(max_length=32, blank=True, editable=False)
    lease_expires_at: MomentOrNone = MomentField(null=True, editable=False)

    #: The monotonic clock when `user` was last read from the database; None where that is not known.
    user_read_at: float | None = None

    #: Has the methods of the queryset; type checkers take it for one, because it is made at run time.
    objects: "ClassVar[ConnectionQuerySet]" = models.Manager.from_queryset(ConnectionQuerySet)()  # type: ignore[assignment]

    class Meta:
        verbose_name: ClassVar[Words] = _("connection")
        verbose_name_plural: ClassVar[Words] = _("connections")
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.UniqueConstraint(
                fields=("user", "orgkey", "environment"), name="actionstep_connect_one_per_orgkey"
            ),
        )
        indexes: ClassVar[tuple[models.Index, ...]] = (
            models.Index(
                fields=("environment", "client_id", "refresh_at"), name="actionstep_connect_due"
            ),
            models.Index(
                fields=("status", "refresh_token_expires_at", "environment"),
                name="actionstep_connect_limit",
            ),
            models.Index(
                fields=("status", "consecutive_failures", "flagged_at"),
                name="actionstep_connect_trouble",
            ),
            models.Index(fields=("environment", "remind_at"), name="actionstep_connect_remind"),
            models.Index(
                fields=("environment", "organisation_name_due_at"), name="actionstep_connect_name"
            ),
        )
        permissions: ClassVar[tuple[tuple[str, Words], ...]] = (
            ("can_refresh", _("Can refresh a connection now")),
            ("can_disconnect", _("Can disconnect a user")),
            ("can_remind", _("Can remind a user by e-mail")),
        )

    def __str__(self) -> str:
        return f"{self.orgkey} ({self.environment}), #{self.user_id}"

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Insert the row, or write identity columns only.

        Raises ValueError if an existing row's engine-owned columns would be written: the instance
        may be older than what a worker stored meanwhile, and would bring back a spent token.
        """
        if not self._state.adding:
            written = set(update_fields) if update_fields is not None else self._loaded_fields()
            if owned := sorted(written - IDENTITY - {"user_id"}):
                raise ValueError(
                    f"Connection.save() would overwrite {', '.join(owned)}, which only the flows write. "
                    "Use actionstep_connect.api, or QuerySet.update() if you know that no worker runs."
                )
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def organisation(self) -> str:
        """How people read of its organisation: by its name, if that is known, and by its key."""
        return shown_organisation(self.orgkey, self.organisation_name)

    @property
    def is_usable(self) -> bool:
        """Whether its user may use it here and now. Reads `user`."""
        return condition_of(self, now=datetime.now(UTC), config=get_config()).is_usable

    @property
    def issued_at(self) -> datetime:
        """When its present access token was asked for."""
        return max(self.connected_at, self.last_refreshed_at or self.connected_at)

    def valid_until(self, *, now: datetime) -> datetime | None:
        """Return when its refresh token reaches its limit, if it is good and that lies ahead."""
        limit = self.refresh_token_expires_at
        return limit if self.status == Status.CONNECTED and limit and limit > now else None

    def context(self, field: str) -> Context:
        """Return what this row's envelope of `field` is bound to."""
        return Context(
            field=field,
            user_id=str(self.user_id),
            environment=self.environment,
            orgkey=self.orgkey,
        )

    def seal(self, field: str, token: Secret | None) -> str:
        """Return `token` sealed for this row, or nothing for none."""
        return "" if token is None else get_key_ring().seal(token, self.context(field))

    def is_user_known(self) -> bool:
        """Return whether its user was read as active within the last minute. Makes no query."""
        read_at = self.user_read_at
        return (
            read_at is not None
            and time.monotonic() - read_at < USER_KNOWN_FOR
            and Connection.user.is_cached(self)
            and self.user.is_active
        )

    def check_user(self) -> None:
        """Raise NotConnected unless its user is active. One query, unless that is known."""
        if self.is_user_known():
            return
        begun, model = time.monotonic(), get_user_model()
        rows = model._base_manager.using(router.db_for_write(model))
        try:
            user = rows.filter(pk=self.user_id).first()
        except (OperationalError, InterfaceError, InternalError):
            # While the database is away, what was read last counts: a token that lives serves.
            if not Connection.user.is_cached(self) or not self.user.is_active:
                raise
            user = self.user
        if user is None or not user.is_active:
            raise NotConnected(
                "This connection's user is not active.", code=ErrorCode.INACTIVE_USER
            )
        self.remember_user(user, read_at=begun)

    def remember_user(self, user: Any, *, read_at: float | None) -> None:
        """Keep its user at hand, who may have been read from another database than the row.

        Django's own assignment asks the routers whether a replica and its primary may be related.
        """
        Connection.user.field.set_cached_value(self, user)
        self.user_read_at = read_at

    def open_access_token(self) -> Secret:
        """Open the access token for use: the one place where that is done.

        Raises NotConnected if its user is not active, and DecryptionFailed, also if there is none.
        """
        self.check_user()
        return self._open(ACCESS_TOKEN, self.sealed_access_token)

    def open_refresh_token(self) -> Secret:
        """Open the refresh token, which also keeps alive what an inactive user may come back to.

        Raises DecryptionFailed; if there is none, as of one that can never be opened.
        """
        return self._open(REFRESH_TOKEN, self.sealed_refresh_token)

    def _open(self, field: str, envelope: str) -> Secret:
        if not envelope:
            raise DecryptionFailed(
                f"This connection holds no {field.replace('_', ' ')}.",
                code=ErrorCode.UNREADABLE if field == REFRESH_TOKEN else "",
            )
        return get_key_ring().open(envelope, self.context(field))

    def _loaded_fields(self) -> set[str]:
        deferred = self.get_deferred_fields()
        return {field.name for field in self._meta.concrete_fields if field.attname not in deferred}
