"""Examining a site when something is wrong: one finding for each part, with what to do about it."""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.db.models import Count, Min
from django.utils.timesince import timesince

from actionstep_connect.conf import find_problems, get_config, get_site
from actionstep_connect.crypto import Secret, get_key_ring
from actionstep_connect.exceptions import (
    AuthorizationFailed,
    ClientRejected,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.database import on_primary
from actionstep_connect.flows.keys import missing_keys
from actionstep_connect.flows.vitals import LONGEST_OVERDUE
from actionstep_connect.models import Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.oauth import refresh_token_grant

#: How far a clock may be off before signatures and limits are in doubt, in seconds.
LARGEST_CLOCK_DIFFERENCE = 60
SOON = timedelta(days=7)


class Verdict(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    """Nothing is lost yet."""
    ERROR = "error"
    """Connections cannot be made, used or kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one part, in plain words, and what to do."""

    part: str
    verdict: Verdict
    text: str
    what_to_do: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


def examine(extra: "Iterator[Finding] | None" = None) -> Iterator[Finding]:
    """Yield a finding for each part; `extra` are those of what the caller alone can see.

    A part that cannot be examined is a finding itself. With wrong settings nothing else is.
    """
    problems = find_problems()
    for problem in problems:
        yield _error("settings", problem.message, problem.hint)
    if problems:
        return
    yield _ok("settings", f"ACTIONSTEP_CONNECT is complete, for {get_config().environment!r}.")
    for part, look in _PARTS.items():
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001 - the rest is examined all the same.
            # Its message might hold what was being examined.
            text = f"It could not be examined: {type(error).__name__}."
            yield _error(part, text, "See whether the database and the key callable answer.")
    yield from extra or ()


def _ok(part: str, text: str) -> Finding:
    return Finding(part=part, verdict=Verdict.OK, text=text)


def _warning(part: str, text: str, what_to_do: str) -> Finding:
    return Finding(part=part, verdict=Verdict.WARNING, text=text, what_to_do=what_to_do)


def _error(part: str, text: str, what_to_do: str) -> Finding:
    return Finding(part=part, verdict=Verdict.ERROR, text=text, what_to_do=what_to_do)


def _keys() -> Iterator[Finding]:
    missing = missing_keys()
    for name, rows in missing.items():
        yield _error(
            "keys",
            f"{rows} rows need key {name}, which ENCRYPTION_KEYS lacks.",
            "Put that key back and run actionstep_rotate_keys; if it is lost, their users reconnect.",
        )
    if not missing:
        yield _ok("keys", f"Every row's key is there. Keys: {', '.join(get_key_ring().key_ids)}.")


def _endpoints() -> Iterator[Finding]:
    config = get_config()
    for name, url in (("authorize", config.authorize_url), ("token", config.token_url)):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            yield _error(
                f"{name} endpoint",
                f"The name {parts.hostname} is not found (DNS).",
                "Check the address in the settings, and this machine's name servers.",
            )
            continue
        yield from _reach(f"{name} endpoint", url)


def _reach(part: str, url: str) -> Iterator[Finding]:
    timeout = min(get_config().http_timeout, 10)
    try:
        with httpx2.Client(timeout=timeout, follow_redirects=False) as client:
            begun = time.monotonic()
            with client.stream("GET", url) as response:
                pass  # Only its headers are looked at.
            took = time.monotonic() - begun
    except httpx2.HTTPError as error:
        yield _error(
            part,
            f"{urlsplit(url).netloc} cannot be reached ({type(error).__name__}).",
            "Check the firewall, the proxy and, for a certificate error, this machine's trust store.",
        )
        return
    tls = "TLS verified" if url.startswith("https:") else "no TLS, on loopback"
    yield _ok(part, f"{urlsplit(url).netloc} answers in {took:.2f} s ({tls}).")
    yield from _clock(part, response)


def _clock(part: str, response: httpx2.Response) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(response.headers.get("Date", ""))
    except (TypeError, ValueError):
        return
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    difference = (datetime.now(UTC) - theirs).total_seconds()
    if abs(difference) > LARGEST_CLOCK_DIFFERENCE:
        yield _error(
            "clock",
            f"This machine's clock differs by {difference:+.0f} s from the {part}'s.",
            "Synchronise it (NTP): tokens expire by the clock.",
        )
    else:
        yield _ok("clock", f"It differs by {difference:+.0f} s from the {part}'s.")


def _credentials() -> Iterator[Finding]:
    # A token that nobody issued: invalid_grant means that client id and secret were accepted.
    part = "client credentials"
    try:
        refresh_token_grant(Secret(f"actionstep-doctor-{secrets.token_hex(16)}"))
    except AuthorizationFailed:
        yield _ok(part, "Actionstep accepts CLIENT_ID and CLIENT_SECRET.")
    except ClientRejected as error:
        yield _error(
            part,
            f"Actionstep refuses them ({error.code}).",
            "Correct CLIENT_ID and CLIENT_SECRET, and see that they belong to this ENVIRONMENT.",
        )
    except TemporarilyUnavailable as error:
        yield _warning(
            part,
            f"They could not be proved: the token endpoint gave no clear answer ({error.code}).",
            "Try again; if it stays so, ask Actionstep.",
        )
    else:
        yield _error(
            part,
            "The token endpoint gave tokens for a token that nobody issued.",
            "TOKEN_URL does not lead to Actionstep: correct it.",
        )


def _redirect_uri() -> Iterator[Finding]:
    uri = get_config().redirect_uri
    if uri is None:
        yield _warning(
            "redirect URI",
            "REDIRECT_URI is not set: it is built from each request's host.",
            "Set it to the address registered with Actionstep, if the site has several hosts or a proxy.",
        )
    else:
        yield _ok("redirect URI", f"{uri} (must be registered with Actionstep exactly so).")


def _session() -> Iterator[Finding]:
    site = get_site()
    if site.session_cookie_samesite == "Strict":
        yield _error(
            "session cookie",
            "SESSION_COOKIE_SAMESITE is 'Strict': users come back from Actionstep signed out.",
            "Set it to 'Lax'.",
        )
    elif not site.session_cookie_secure:
        yield _warning(
            "session cookie",
            "SESSION_COOKIE_SECURE is False: the session also travels without https.",
            "Serve the site over https and set it to True.",
        )
    else:
        yield _ok("session cookie", "Secure, and sent on the way back from Actionstep.")


def _beat() -> Iterator[Finding]:
    now, start = (
        datetime.now(UTC),
        "Start a Celery worker and beat, or actionstep_maintain by cron.",
    )
    heartbeat = Heartbeat.objects.filter(pk=MAINTENANCE).first()
    if heartbeat is None:
        yield _error("maintenance", "It has never run.", start)
        return
    ago = timesince(heartbeat.finished_at, now)
    if heartbeat.is_missing(now=now):
        yield _error("maintenance", f"It last ran {ago} ago, and should every minute.", start)
    elif stopped_by := str(heartbeat.summary.get("stopped_by") or ""):
        yield _warning(
            "maintenance",
            f"It last ran {ago} ago and was stopped by: {stopped_by}. {heartbeat.last_error}".strip(),
            "See what it says, and the client credentials above.",
        )
    else:
        yield _ok("maintenance", f"It last ran {ago} ago.")


def _connections() -> Iterator[Finding]:
    rows, now = on_primary().here().order_by(), datetime.now(UTC)
    by_status = dict(rows.values_list("status").annotate(Count("pk")).order_by("status"))
    counts = ", ".join(f"{count} {status}" for status, count in by_status.items()) or "none yet"
    yield _ok("connections", f"By status: {counts}.")
    oldest = rows.due(now=now).aggregate(oldest=Min("refresh_at"))["oldest"]
    if oldest is None:
        yield _ok("overdue", "No refresh is waiting.")
    elif now - oldest > LONGEST_OVERDUE:
        yield _error(
            "overdue",
            f"The oldest waiting refresh was due {timesince(oldest, now)} ago.",
            "See that maintenance runs and that the client credentials are accepted.",
        )
    else:
        yield _ok("overdue", f"The oldest waiting refresh was due {timesince(oldest, now)} ago.")
    if soon := rows.nearing_limit(now=now, within=SOON).count():
        yield _warning(
            "limits",
            f"{soon} connections reach their limit within a week.",
            "See each one's last error in the admin; their users may have to connect again.",
        )
    else:
        yield _ok("limits", "No connection reaches its limit within a week.")


_PARTS: dict[str, Callable[[], Iterator[Finding]]] = {
    "keys": _keys,
    "endpoints": _endpoints,
    "client credentials": _credentials,
    "redirect URI": _redirect_uri,
    "session cookie": _session,
    "maintenance": _beat,
    "connections": _connections,
}
