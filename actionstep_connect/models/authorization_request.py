"""A connect flow under way, from the user's click until the callback."""

import uuid
from datetime import UTC, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL, MAX_CLIENT_ID, MAX_LABEL
from actionstep_connect.crypto import Context, get_key_ring
from actionstep_connect.models.connection import Connection
from actionstep_connect.models.fields import (
    Key,
    Moment,
    MomentField,
    MomentOrNone,
    ScopeList,
    ScopesField,
    SealedField,
    Text,
    User,
    Words,
)
from actionstep_connect.orgkeys import MAX_ORGKEY
from actionstep_connect.secret import Secret

LIFETIME = timedelta(minutes=10)
CODE_VERIFIER = "code_verifier"
MAX_REDIRECT_URI = 500


class AuthorizationRequest(models.Model):
    """One attempt to connect (RFC 6749 §4.1.1), claimed once by its callback.

    `handle` names it in addresses of this site. `browser_marker` and `session_marker` are hashes: the
    browser keeps the markers themselves, in a cookie and in its session. `next` was checked when it
    was stored, and is checked again when it is used. `result` and `failure` are how it ended.
    """

    handle: Key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state_hash: Text = models.CharField(max_length=64, unique=True)
    user: User = models.ForeignKey(
        AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    browser_marker: Text = models.CharField(max_length=64)
    session_marker: Text = models.CharField(max_length=64)
    sealed_code_verifier: SealedField = SealedField(blank=True, editable=False)
    environment: Text = models.CharField(_("environment"), max_length=MAX_LABEL)
    client_id: Text = models.CharField(_("client id"), max_length=MAX_CLIENT_ID)
    redirect_uri: Text = models.CharField(max_length=MAX_REDIRECT_URI)
    scopes: ScopeList = ScopesField(_("scopes"))
    orgkey: Text = models.CharField(_("requested organisation"), max_length=MAX_ORGKEY, blank=True)
    next: Text = models.CharField(max_length=2000, blank=True)
    created_at: Moment = MomentField(_("started"))
    expires_at: Moment = MomentField(_("expires"), db_index=True)
    used_at: MomentOrNone = MomentField(_("used"), null=True)
    result: "models.ForeignKey[Connection | None, Connection | None]" = models.ForeignKey(
        Connection, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    failure: Text = models.CharField(_("failure"), max_length=50, blank=True)

    class Meta:
        verbose_name: ClassVar[Words] = _("authorization request")
        verbose_name_plural: ClassVar[Words] = _("authorization requests")

    def __str__(self) -> str:
        began = f"{self.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"authorization request of user {self.user_id} at {began}"

    def context(self) -> Context:
        """Return what this row's sealed code verifier is bound to."""
        return Context(
            field=f"{CODE_VERIFIER} {self.state_hash}",
            user_id=str(self.user_id),
            environment=self.environment,
            orgkey=self.orgkey,
        )

    def seal_code_verifier(self, verifier: Secret) -> str:
        """Return the PKCE code verifier sealed for this row."""
        return get_key_ring().seal(verifier, self.context())

    def open_code_verifier(self) -> Secret | None:
        """Open the PKCE code verifier; None without PKCE. Raises DecryptionFailed."""
        if not self.sealed_code_verifier:
            return None
        return get_key_ring().open(self.sealed_code_verifier, self.context())
