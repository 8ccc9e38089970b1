"""Checks of the way to Actionstep: name, certificate, clock, and the client's credentials."""

import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from actionstep_connect.conf import get_config
from actionstep_connect.environments import PAST_PROXIES
from actionstep_connect.exceptions import (
    AuthorizationFailed,
    ClientRejected,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.doctor.finding import Finding, error, ok, warning
from actionstep_connect.oauth import refresh_token_grant
from actionstep_connect.secret import Secret

AUTHORIZE, TOKEN = "authorize endpoint", "token endpoint"
TIMEOUT = 10.0  # seconds for an endpoint to answer
#: How far a clock may be off before limits are in doubt, in seconds.
MAX_CLOCK_DIFFERENCE = 60


def endpoints() -> Iterator[Finding]:
    """Reach both endpoints, through what proxies httpx2 finds, and compare the clock with each.

    A worker's own way to the token endpoint is the one that `credentials` takes.
    """
    config = get_config()
    for part, url in ((AUTHORIZE, config.authorize_url), (TOKEN, config.token_url)):
        try:
            with httpx2.Client(timeout=TIMEOUT, mounts=PAST_PROXIES) as client:
                begun = time.monotonic()
                with client.stream("GET", url) as response:
                    seconds = time.monotonic() - begun  # Only its headers are looked at.
        except httpx2.HTTPError as failure:
            yield _unreachable(part, url, failure)
        else:
            yield _answered(part, url, response, seconds)
            yield from _clock(part, response)


def _answered(part: str, url: str, response: httpx2.Response, seconds: float) -> Finding:
    host, status = urlsplit(url).netloc, response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return warning(
            part, f"{host} is in trouble ({status}).", "Nothing, if it passes; else ask Actionstep."
        )
    tls = "its certificate is valid" if url.startswith("https:") else "without TLS, on loopback"
    return ok(part, f"{host} answers in {seconds:.2f} s; {tls}.")


def _unreachable(part: str, url: str, failure: httpx2.HTTPError) -> Finding:
    text, hint = _why_unreachable(urlsplit(url).netloc, failure)
    if part == AUTHORIZE:
        return warning(
            part, text, f"Users' browsers go there, not this site: see that they can. {hint}"
        )
    return error(part, text, hint)


def _why_unreachable(host: str, failure: httpx2.HTTPError) -> tuple[str, str]:
    for cause in _causes(failure):
        if isinstance(cause, socket.gaierror):
            return (
                f"DNS lookup of {host} failed.",
                "Check the address in the settings, and this machine's name servers.",
            )
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {host} is not valid here: {cause.verify_message}.",
                "Check this machine's clock and trusted certificates, and any proxy that looks into TLS.",
            )
    if isinstance(failure, httpx2.TimeoutException):
        return (
            f"{host} does not answer within {TIMEOUT:.0f} s.",
            "Check the firewall and the proxy; if they are right, ask Actionstep.",
        )
    return (
        f"{host} cannot be reached ({type(failure).__name__}).",
        "Check the address in the settings, the firewall and the proxy.",
    )


def _causes(failure: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = failure
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _clock(part: str, response: httpx2.Response) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    difference = (datetime.now(UTC) - theirs).total_seconds()
    if abs(difference) > MAX_CLOCK_DIFFERENCE:
        way = "ahead of" if difference > 0 else "behind"
        yield error(
            "clock",
            f"This machine's clock is {abs(difference):.0f} s {way} the {part}'s.",
            "Synchronise it (NTP): tokens are renewed by the clock.",
        )
    else:
        yield ok("clock", f"It agrees with the {part}'s, within {abs(difference):.0f} s.")


def credentials() -> Iterator[Finding]:
    """Present a refresh token that was never issued: a server looks at the client first (RFC 6749 §5.2)."""
    part = "client credentials"
    try:
        refresh_token_grant(Secret(f"actionstep-doctor-{secrets.token_hex(16)}"))
    except AuthorizationFailed:
        yield ok(part, "Actionstep accepts CLIENT_ID and CLIENT_SECRET.")
    except ClientRejected as refusal:
        yield error(
            part,
            f"Actionstep refuses CLIENT_ID or CLIENT_SECRET ({refusal.code}).",
            f"Correct them; each environment has its own, and this is {get_config().environment!r}.",
        )
    except TemporarilyUnavailable as failure:
        yield warning(
            part,
            f"They could not be tried: the token endpoint gave no clear answer ({failure.code}).",
            "See the token endpoint above; if that is in order, try again, then ask Actionstep.",
        )
    else:
        yield error(
            part,
            "The token endpoint gave tokens for a refresh token that was never issued.",
            "TOKEN_URL does not lead to Actionstep: correct it.",
        )
