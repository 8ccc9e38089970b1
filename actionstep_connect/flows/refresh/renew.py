"""Renewing: one token request under a claim, outside any transaction, and what came of it."""

import logging
from dataclasses import dataclass

from actionstep_connect.exceptions import (
    AuthorizationFailed,
    ClientRejected,
    DecryptionFailed,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.refresh.claim import Claim
from actionstep_connect.oauth import TokenGrant, refresh_token_grant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewed:
    """Actionstep gave tokens; they must be stored before anything else happens."""

    grant: TokenGrant


@dataclass(frozen=True, slots=True)
class Refused:
    """Actionstep refused the refresh token: `invalid_grant`."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """Nothing was sent, for the lease had become too short."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Actionstep refused this site's own credentials."""

    error: ClientRejected


@dataclass(frozen=True, slots=True)
class Failed:
    """No tokens this time. `in_transit` tells trouble on the way from trouble with the row."""

    error: TemporarilyUnavailable
    in_transit: bool = True


Outcome = Renewed | Refused | Unsent | Rejected | Failed


def renew(claim: Claim) -> Outcome:
    """Spend the claim's refresh token, and return what came of it; never raises."""
    try:
        refresh_token = claim.connection.open_refresh_token()
        if not claim.is_long_enough():
            return Unsent()
        return Renewed(refresh_token_grant(refresh_token))
    except AuthorizationFailed:
        return Refused()
    except ClientRejected as error:
        return Rejected(error)
    except TemporarilyUnavailable as error:
        return Failed(error)
    except DecryptionFailed as error:
        return Failed(TemporarilyUnavailable(str(error), code=error.code), in_transit=False)
    except Exception as error:  # noqa: BLE001 - one odd row must stop neither the run nor its neighbours.
        logger.error(  # noqa: TRY400 - a traceback could show a token in a frame.
            "actionstep_connect.refresh.unforeseen connection=%s error=%s",
            claim.id,
            type(error).__name__,
        )
        unforeseen = TemporarilyUnavailable(
            f"Refreshing failed unexpectedly ({type(error).__name__}).",
            code="unforeseen",
            outcome_known=False,
        )
        return Failed(unforeseen, in_transit=False)
