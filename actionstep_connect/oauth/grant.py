"""What this package takes from a successful answer of the token endpoint."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from actionstep_connect.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrant:
    """A successful answer (RFC 6749 §5.1), and Actionstep's additions to it.

    A member that was absent or made no sense is None. `requested_at` is the moment before the
    request was sent, from which both lifetimes count. `api_endpoint` is as sent: not yet trusted.
    """

    requested_at: datetime
    access_token: Secret | None
    refresh_token: Secret | None
    lifetime: timedelta | None
    scopes: tuple[str, ...] | None
    api_endpoint: str | None
    orgkey: str | None

    @property
    def access_token_expires_at(self) -> datetime | None:
        """When the access token expires; None if it, or its lifetime, is not usable."""
        if self.access_token is None or self.lifetime is None:
            return None
        return self.requested_at + self.lifetime
