"""Codes, grants and token pairs. Secrets are kept as SHA-256 only."""

from datetime import datetime
from typing import ClassVar, Self

from django.db import models

from actionstep_connect.sandbox.models.directory import Membership


class Grant(models.Model):
    """One user's consent to one client; the family of all tokens that came of it."""

    id = models.BigAutoField(primary_key=True)
    membership: models.ForeignKey[Membership, Membership] = models.ForeignKey(
        Membership, models.CASCADE, related_name="grants"
    )
    client_id = models.CharField(max_length=200)
    scopes = models.TextField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=100, blank=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"

    def __str__(self) -> str:
        return f"{self.membership} to {self.client_id}"

    def revoke(self, *, because: str, now: datetime) -> None:
        Grant.objects.filter(pk=self.pk, revoked_at=None).update(
            revoked_at=now, revoked_because=because
        )


class TokenPair(models.Model):
    id = models.BigAutoField(primary_key=True)
    grant: models.ForeignKey[Grant, Grant] = models.ForeignKey(
        Grant, models.CASCADE, related_name="pairs"
    )
    issued_at = models.DateTimeField()
    access_hash = models.CharField(max_length=64, unique=True)
    access_expires_at = models.DateTimeField()
    refresh_hash = models.CharField(max_length=64, unique=True)
    refresh_expires_at = models.DateTimeField()
    spent_at = models.DateTimeField(null=True)
    presentations = models.PositiveIntegerField(default=0)

    grant_id: int
    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"

    def __str__(self) -> str:
        return f"pair {self.pk}"

    def check_client(self, client: object) -> bool:
        """Return whether the pair was issued to this client (for Authlib)."""
        return bool(self.grant.client_id == getattr(client, "client_id", None))

    def get_scope(self) -> str:
        """Return the granted scopes, space-separated (for Authlib)."""
        return str(self.grant.scopes)


class AuthorizationCode(models.Model):
    id = models.BigAutoField(primary_key=True)
    code_hash = models.CharField(max_length=64, unique=True)
    membership: models.ForeignKey[Membership, Membership] = models.ForeignKey(
        Membership, models.CASCADE, related_name="+"
    )
    client_id = models.CharField(max_length=200)
    redirect_uri = models.TextField()
    scopes = models.TextField()
    code_challenge = models.CharField(max_length=128, blank=True)
    code_challenge_method = models.CharField(max_length=10, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    presentations = models.PositiveIntegerField(default=0)
    grant: models.ForeignKey[Grant | None, Grant | None] = models.ForeignKey(
        Grant, models.SET_NULL, null=True, related_name="+"
    )

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"

    def __str__(self) -> str:
        return f"code {self.pk}"

    def get_redirect_uri(self) -> str:
        """Return the redirect URI of the authorization request (for Authlib)."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the consented scopes, space-separated (for Authlib)."""
        return self.scopes
