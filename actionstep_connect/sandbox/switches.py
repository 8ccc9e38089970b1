"""What one can do to the running sandbox; the console and the JSON switches both call these."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from actionstep_connect.sandbox import rules, tokens
from actionstep_connect.sandbox.authorization import new_grant
from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.faults import parse_fault
from actionstep_connect.sandbox.models import AuthorizationCode, Grant, Membership, TokenPair
from actionstep_connect.sandbox.scopes import split
from actionstep_connect.sandbox.switchboard import switchboard

MAX_ISSUED_AT_ONCE = 2000
MAX_SECONDS_ADVANCED = 10 * 365 * 86400


def add_faults(data: object) -> None:
    """Arm one fault, or several in their order."""
    many = data if isinstance(data, list) else [data]
    objects = [one for one in many if isinstance(one, Mapping)]
    if len(objects) != len(many):
        raise ValueError("Send a fault as a JSON object, or several as an array.")
    for fault in [parse_fault(one) for one in objects]:
        switchboard.arm(fault)


def clear_faults() -> None:
    with switchboard.lock:
        switchboard.faults.clear()


def change_options(data: Mapping[str, object]) -> None:
    with switchboard.lock:
        switchboard.options = switchboard.options.changed(data)


def revoke(data: Mapping[str, Any]) -> int:
    """Revoke the grants of one user (`user`), in one organisation (`orgkey`) or all; count them."""
    with switchboard.rotation:
        return _grants_of(data).update(
            revoked_at=clock.now(), revoked_because="revoked from the console"
        )


def expire(data: Mapping[str, Any]) -> int:
    """Let access or refresh tokens expire now (`what`), of one user or of all; count them."""
    what = data.get("what", "all")
    columns = {
        "access": ["access_expires_at"],
        "refresh": ["refresh_expires_at"],
        "all": ["access_expires_at", "refresh_expires_at"],
    }
    if not isinstance(what, str) or what not in columns:
        raise ValueError("what must be access, refresh or all.")
    with switchboard.rotation:
        pairs = TokenPair.objects.filter(grant__in=_grants_of(data))
        return pairs.update(**dict.fromkeys(columns[what], clock.now()))


def advance(data: Mapping[str, Any]) -> datetime:
    """Move the sandbox's time on by so many `seconds`; return what it is then."""
    rules.number(0, MAX_SECONDS_ADVANCED).check("seconds", data.get("seconds"))
    clock.advance(timedelta(seconds=data["seconds"]))
    return clock.now()


def issue(data: Mapping[str, Any]) -> list[dict[str, str | int | float]]:
    """Issue tokens without a browser, each under a grant of its own."""
    owner, scopes = _owner(data), _scopes(data)
    client_id = data.get("client_id", switchboard.options.client_id)
    rules.LINE.check("client_id", client_id)
    count = data.get("count", 1)
    rules.whole(1, MAX_ISSUED_AT_ONCE).check("count", count)
    responses = [
        tokens.make_response(membership=owner, scopes=scopes, client_id=client_id, is_refresh=False)
        for _ in range(count)
    ]
    with switchboard.rotation:
        for response in responses:
            tokens.store(response, new_grant(owner, scopes, client_id))
    return responses


def state() -> dict[str, object]:
    """Describe everything, without a token or secret in it."""
    with switchboard.lock:
        faults = [
            armed.fault.public() | {"times": armed.times, "skip": armed.skip}
            for armed in switchboard.faults
        ]
        counters = dict(switchboard.counters)
        activity = list(switchboard.activity)
        notifications = list(switchboard.notifications)
    return {
        "base_url": switchboard.base_url,
        "now": clock.now(),
        "options": switchboard.options.public(),
        "faults": faults,
        "counters": _counters(counters),
        "connections": connections(),
        "activity": [asdict(entry) for entry in activity],
        "notifications": [asdict(one) for one in notifications],
    }


def connections() -> list[dict[str, object]]:
    now = clock.now()
    grants = Grant.objects.select_related("membership__person", "membership__organisation")
    pairs: dict[int, list[TokenPair]] = {}
    for pair in TokenPair.objects.order_by("pk"):
        pairs.setdefault(pair.grant_id, []).append(pair)
    return [_connection(grant, pairs.get(grant.pk, []), now) for grant in grants.order_by("pk")]


def _owner(data: Mapping[str, Any]) -> Membership:
    _check_whose(data)
    memberships = Membership.objects.select_related("person", "organisation")
    memberships = memberships.filter(person__username=data.get("user") or "")
    if orgkey := data.get("orgkey"):
        memberships = memberships.filter(organisation__key=orgkey)
    owner = memberships.order_by("pk").first()
    if owner is None:
        raise ValueError("No such user in this organisation.")
    return owner


def _scopes(data: Mapping[str, Any]) -> str:
    given = data.get("scopes", "all")
    names = tuple(given) if isinstance(given, list) else (given,)
    rules.LINES.check("scopes", names)
    return " ".join(split(" ".join(names)))


def _check_whose(data: Mapping[str, Any]) -> None:
    for name in ("user", "orgkey"):
        rules.TEXT.or_null().check(name, data.get(name))


def _grants_of(data: Mapping[str, Any]) -> QuerySet[Grant]:
    _check_whose(data)
    grants = Grant.objects.filter(revoked_at=None)
    if user := data.get("user"):
        grants = grants.filter(membership__person__username=user)
    if orgkey := data.get("orgkey"):
        grants = grants.filter(membership__organisation__key=orgkey)
    return grants


def _counters(counted: dict[str, int]) -> dict[str, object]:
    by_grant_type = {
        name: counted.get(f"token_requests.{name}", 0)
        for name in ("authorization_code", "refresh_token", "other")
    }
    return {
        "authorize_requests": counted.get("authorize_requests", 0),
        "token_requests": by_grant_type,
        "api_requests": counted.get("api_requests", 0),
        "most_token_requests_at_once": counted.get("most_token_requests_at_once", 0),
        "most_api_requests_at_once": counted.get("most_api_requests_at_once", 0),
        "refresh_tokens_presented_twice": TokenPair.objects.filter(presentations__gt=1).count(),
        "codes_presented_twice": AuthorizationCode.objects.filter(presentations__gt=1).count(),
        "faults": {
            name.removeprefix("faults."): count
            for name, count in counted.items()
            if name.startswith("faults.")
        },
    }


def _connection(grant: Grant, pairs: list[TokenPair], now: datetime) -> dict[str, object]:
    return {
        "id": grant.pk,
        "user": grant.membership.person.username,
        "name": grant.membership.person.name,
        "orgkey": grant.membership.organisation.key,
        "client_id": grant.client_id,
        "scopes": grant.scopes.split(),
        "connected_at": grant.created_at,
        "revoked_at": grant.revoked_at,
        "revoked_because": grant.revoked_because,
        "rotations": len(pairs) - 1,
        "tokens": [
            _pair(pair, number, is_revoked=grant.revoked_at is not None, now=now)
            for number, pair in enumerate(pairs, 1)
        ],
    }


def _pair(pair: TokenPair, number: int, *, is_revoked: bool, now: datetime) -> dict[str, object]:
    return {
        "number": number,
        "issued_at": pair.issued_at,
        "access": _state(pair.access_expires_at, now, is_revoked=is_revoked, is_spent=False),
        "access_seconds_left": _seconds(pair.access_expires_at, now),
        "refresh": _state(
            pair.refresh_expires_at, now, is_revoked=is_revoked, is_spent=pair.spent_at is not None
        ),
        "refresh_seconds_left": _seconds(pair.refresh_expires_at, now),
        "presentations": pair.presentations,
    }


def _state(expires_at: datetime, now: datetime, *, is_revoked: bool, is_spent: bool) -> str:
    if is_revoked:
        return "revoked"
    if is_spent:
        return "spent"
    return "valid" if expires_at > now else "expired"


def _seconds(expires_at: datetime, now: datetime) -> int:
    return max(0, round((expires_at - now).total_seconds()))
