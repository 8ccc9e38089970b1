"""A connect flow under way, from the user's click until the callback."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL, LONGEST_CLIENT_ID, LONGEST_LABEL
from actionstep_connect.crypto import Context, Secret, get_key_ring
from actionstep_connect.models.connection import LONGEST_ORGKEY, Connection
from actionstep_connect.models.fields import ScopesField, SealedField

LIFETIME = timedelta(minutes=10)
CODE_VERIFIER = "code_verifier"


class AuthorizationRequest(models.Model):
    """One attempt to connect (RFC 6749 §4.1.1), claimed once by its callback.

    `session_marker` is a hash: the session keeps the marker itself. `next` was checked when it was
    stored, and is checked again when it is used. `result` and `failure` are how it ended.
    """

    state_hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(
        AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    session_marker = models.CharField(max_length=64)
    sealed_code_verifier = SealedField(blank=True, editable=False)
    environment = models.CharField(_("environment"), max_length=LONGEST_LABEL)
    client_id = models.CharField(_("client id"), max_length=LONGEST_CLIENT_ID)
    redirect_uri = models.CharField(max_length=500)
    scopes = ScopesField(_("scopes"))
    orgkey = models.CharField(_("organisation wanted"), max_length=LONGEST_ORGKEY, blank=True)
    next = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(_("started"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)
    used_at = models.DateTimeField(_("used"), null=True)
    result = models.ForeignKey(Connection, null=True, on_delete=models.SET_NULL, related_name="+")
    failure = models.CharField(_("failure"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("authorization request")
        verbose_name_plural = _("authorization requests")

    def __str__(self) -> str:
        return (
            f"authorization request of user {self.user_id} at {self.created_at:%Y-%m-%d %H:%M} UTC"
        )

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
