"""Renewing: one token request under a claim, outside any transaction, and what came of it."""

import logging
from dataclasses import dataclass

from actionstep_connect import oauth
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    AuthorizationFailed,
    ClientRejected,
    DecryptionFailed,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.refresh.claim import Claim
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models.refresh_hour import RefreshOutcome
from actionstep_connect.oauth import TokenGrant


@dataclass(frozen=True, slots=True)
class Renewed:
    """Actionstep gave tokens; they must be stored before anything else happens."""

    grant: TokenGrant


@dataclass(frozen=True, slots=True)
class Refused:
    """Actionstep refused the refresh token: `invalid_grant`."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing was sent, because the refresh token can never be decrypted."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing was sent, because the lease had become too short."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Actionstep refused this site's own credentials."""

    error: ClientRejected


@dataclass(frozen=True, slots=True)
class Failed:
    """No tokens this time. `in_transit` tells trouble on the way from trouble with the row."""

    error: TemporarilyUnavailable
    in_transit: bool = True


Outcome = Renewed | Refused | Unreadable | NotSent | Rejected | Failed


def outcome_and_code(outcome: Outcome, *, stored: bool) -> tuple[RefreshOutcome | None, str]:
    """Return what `outcome` is in logs and statistics, None if nothing was sent; and a failure's code."""
    match outcome:
        case Renewed():
            return (RefreshOutcome.REFRESHED if stored else RefreshOutcome.SUPERSEDED), ""
        case Refused():
            return (RefreshOutcome.REFUSED if stored else RefreshOutcome.SUPERSEDED), ""
        case Unreadable():
            return (
                RefreshOutcome.REFUSED if stored else RefreshOutcome.SUPERSEDED
            ), ErrorCode.UNREADABLE
        case Failed(error) | Rejected(error):
            return RefreshOutcome.FAILED, error.code
        case NotSent():
            return None, ""


def renew(claim: Claim) -> Outcome:
    """Spend the claim's refresh token, and return what came of it; never raises."""
    try:
        refresh_token = claim.connection.open_refresh_token()
        if not claim.is_long_enough():
            return NotSent()
        return Renewed(oauth.refresh_token_grant(refresh_token))
    except AuthorizationFailed:
        return Refused()
    except ClientRejected as error:
        return Rejected(error)
    except TemporarilyUnavailable as error:
        if error.code == ErrorCode.UNFORESEEN:
            log(logging.ERROR, LogEvent.UNFORESEEN, str(error), connection=claim.id)
        return Failed(error)
    except DecryptionFailed as error:
        if error.code == ErrorCode.UNREADABLE:
            return Unreadable()
        return Failed(TemporarilyUnavailable(str(error), code=error.code), in_transit=False)
    except Exception as error:  # noqa: BLE001 - one odd row must stop neither the run nor its neighbours.
        # Without a traceback: that could show a token in a frame.
        error_name = type(error).__name__
        log(logging.ERROR, LogEvent.UNFORESEEN, connection=claim.id, error=error_name)
        unforeseen = TemporarilyUnavailable(
            f"Refreshing failed unexpectedly ({error_name}).",
            code=ErrorCode.UNFORESEEN,
            outcome_known=False,
        )
        return Failed(unforeseen, in_transit=False)
