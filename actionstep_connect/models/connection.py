"""One user's grant for one organisation, and the state of its tokens."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL, LONGEST_CLIENT_ID, LONGEST_LABEL, get_config
from actionstep_connect.crypto import Context, Secret, get_key_ring
from actionstep_connect.exceptions import DecryptionFailed
from actionstep_connect.models.fields import ScopesField, SealedField
from actionstep_connect.querysets import ConnectionQuerySet


class Status(models.TextChoices):
    """Whether a connection can be used."""

    CONNECTED = "connected", _("connected")
    """Its tokens are good, as far as anybody knows."""
    RECONNECT_REQUIRED = "reconnect_required", _("reconnect required")
    """Actionstep ended it: only its user can renew it."""
    DISCONNECTED = "disconnected", _("disconnected")
    """We ended it: its tokens are erased."""


class StatusReason(models.TextChoices):
    """Why a connection cannot be used."""

    REFUSED = "refused", _("Actionstep refused the refresh token")
    """It was revoked there, or reached its limit."""
    INTERRUPTED = "interrupted", _("a refresh was interrupted and its answer lost")
    """An earlier refresh had no answer, and the token it may have spent was then refused."""
    ORGANISATION_CHANGED = "organisation_changed", _("Actionstep answered for another organisation")
    """Its tokens belong to another organisation than the row, and are never used."""
    ENDED_BY_USER = "ended_by_user", _("ended by the user")
    """Its user disconnected."""
    ENDED_BY_ADMIN = "ended_by_admin", _("ended by an administrator")
    """An administrator disconnected it."""


ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a field in a sealing context.
REFRESH_TOKEN = "refresh_token"  # noqa: S105 - as above.

#: What a row is; the only columns that `save()` may write once it exists.
IDENTITY = frozenset({"id", "user", "environment", "orgkey"})

LONGEST_ORGKEY = 100


def is_orgkey(value: str) -> bool:
    """Say whether `value` can be an organisation's key: up to 100 characters that can be printed.

    Every database stores them, no page is turned round by them, and none is a blank.
    """
    return 0 < len(value) <= LONGEST_ORGKEY and value.isprintable() and " " not in value


#: What engine-owned columns say of a row that nobody is refreshing …
RELEASED: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None}
#: … and of one that nothing has failed for.
UNTROUBLED: dict[str, Any] = {
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

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="actionstep_connections",
    )
    environment = models.CharField(_("environment"), max_length=LONGEST_LABEL)
    client_id = models.CharField(_("client id"), max_length=LONGEST_CLIENT_ID)
    orgkey = models.CharField(_("organisation"), max_length=LONGEST_ORGKEY)
    api_endpoint = models.CharField(_("API endpoint"), max_length=500, blank=True)
    granted_scopes = ScopesField(_("granted scopes"), blank=True)

    sealed_access_token = SealedField(blank=True, editable=False)
    sealed_refresh_token = SealedField(blank=True, editable=False)
    access_token_expires_at = models.DateTimeField(_("access token expires"), null=True)
    refresh_token_expires_at = models.DateTimeField(_("refresh token expires"), null=True)

    status = models.CharField(
        _("status"), max_length=20, choices=Status.choices, default=Status.CONNECTED
    )
    status_reason = models.CharField(
        _("reason"), max_length=20, choices=StatusReason.choices, blank=True
    )
    refresh_at = models.DateTimeField(_("next refresh"), null=True)
    flagged_at = models.DateTimeField(_("flagged"), null=True)
    remind_at = models.DateTimeField(_("next reminder by e-mail"), null=True)
    outcome_unknown_since = models.DateTimeField(_("outcome unknown since"), null=True)
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    last_failed_at = models.DateTimeField(_("last failed"), null=True)

    connected_at = models.DateTimeField(_("connected"))
    last_refreshed_at = models.DateTimeField(_("last refreshed"), null=True)
    last_used_at = models.DateTimeField(_("last used"))

    generation = models.PositiveBigIntegerField(default=1, editable=False)
    lease_owner = models.CharField(max_length=32, blank=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)

    objects = models.Manager.from_queryset(ConnectionQuerySet)()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "environment", "orgkey"), name="actionstep_connect_one_per_orgkey"
            ),
        )
        indexes = (
            models.Index(
                fields=("environment", "client_id", "refresh_at"), name="actionstep_connect_due"
            ),
            models.Index(
                fields=("environment", "status", "refresh_token_expires_at"),
                name="actionstep_connect_limit",
            ),
            models.Index(fields=("environment", "remind_at"), name="actionstep_connect_remind"),
        )
        permissions = (
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
    def is_usable(self) -> bool:
        """Whether its user may use it here and now. Reads `user`."""
        return (
            self.status == Status.CONNECTED
            and self.client_id == get_config().client_id
            and self.user.is_active
        )

    @property
    def issued_at(self) -> datetime:
        """When its present access token was asked for."""
        return max(self.connected_at, self.last_refreshed_at or self.connected_at)

    def is_near_limit(self, *, now: datetime, within: timedelta) -> bool:
        """Say whether its refresh token reaches its limit `within` that time, or has."""
        return (
            self.status == Status.CONNECTED
            and self.refresh_token_expires_at is not None
            and self.refresh_token_expires_at <= now + within
        )

    def kept_until(self, *, now: datetime) -> datetime | None:
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

    def open_access_token(self) -> Secret:
        """Open the access token. Raises DecryptionFailed, also if there is none."""
        return self._open(ACCESS_TOKEN, self.sealed_access_token)

    def open_refresh_token(self) -> Secret:
        """Open the refresh token. Raises DecryptionFailed, also if there is none."""
        return self._open(REFRESH_TOKEN, self.sealed_refresh_token)

    def _open(self, field: str, envelope: str) -> Secret:
        if not envelope:
            raise DecryptionFailed(f"This connection holds no {field.replace('_', ' ')}.")
        return get_key_ring().open(envelope, self.context(field))

    def _loaded_fields(self) -> set[str]:
        deferred = self.get_deferred_fields()
        return {field.name for field in self._meta.concrete_fields if field.attname not in deferred}
