"""Subscriptions as maintenance would have registered them, handlers that note, and calls."""

import json
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from actionstep_connect.flows.doctor import Finding, run_checks
from actionstep_connect.hooks.addresses import hash_of, new_secret
from actionstep_connect.hooks.api import Change, on_change
from actionstep_connect.hooks.flows.subscribe import organisation_of, subscription_of
from actionstep_connect.hooks.models import Address, Registration, Subscription
from actionstep_connect.models import Connection
from actionstep_connect.secret import Secret

RECEIVER = "/actionstep/hooks/"


@dataclass
class Ears:
    """A handler that notes what it hears, and raises while `failing` says so."""

    heard: list[Change] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    failing: Callable[[Change], Exception | None] = lambda _: None

    def __call__(self, connection: Connection, change: Change) -> None:
        """Hear of a change."""
        self.connections.append(connection)
        self.heard.append(change)
        if error := self.failing(change):
            raise error

    @property
    def rows(self) -> list[str]:
        """The ids of the rows it heard of."""
        return [change.row_id for change in self.heard]


def listen(*events: str, **options: Any) -> Ears:
    """Register a handler that notes."""
    ears = Ears()

    def hear(connection: Connection, change: Change) -> None:
        ears(connection, change)

    hear.__qualname__ = f"hear_{id(ears)}"
    on_change(*events, **options)(hear)
    return ears


def subscribed(
    event: str, *, orgkey: str = "acmelaw", connection: Connection | None = None
) -> tuple[Subscription, Secret]:
    """Store a subscription whose hook is active, and return it with its secret."""
    secret = new_secret()
    subscription = subscription_of(organisation_of(orgkey), event)
    subscription.is_wanted = True
    subscription.registration = Registration.ACTIVE
    subscription.save()
    Address.objects.create(
        secret_hash=hash_of(secret), subscription=subscription, connection=connection
    )
    return subscription, secret


def body_of(row_id: int | str, resource: str = "actions", **attributes: Any) -> bytes:
    """Return the body of a call about a row."""
    row = {"type": resource, "id": str(row_id), "attributes": attributes, "relationships": {}}
    return json.dumps({"jsonapi": {"version": "1.0"}, "data": row, "meta": {}}).encode()


def hostile_body(random_: random.Random) -> bytes:
    """Return a body that nothing can be made of."""
    kinds = (
        lambda: secrets.token_bytes(random_.randrange(200)),
        lambda: b"[" * random_.randrange(1, 100_000),
        lambda: b'{"data": {"type": "actions", "id": ' + b"9" * 5000 + b"}}",
        lambda: b'{"data": NaN}',
        lambda: b"\xff\xfe{}",
        lambda: json.dumps({"data": {"type": "../users", "id": "7"}}).encode(),
        lambda: json.dumps({"data": {"type": "actions", "id": "7/../../x"}}).encode(),
        lambda: json.dumps({"data": {"type": "actions", "id": "7?a=b"}}).encode(),
        lambda: json.dumps({"data": {"type": "actions", "id": "7\n"}}).encode(),
        lambda: json.dumps({"data": {"type": "actions", "id": "\u0667"}}).encode(),
        lambda: json.dumps({"data": {"type": "actions", "id": True}}).encode(),
        lambda: json.dumps({"data": {"type": "users", "id": "7"}}).encode(),
        lambda: json.dumps({"data": [body_of(7).decode()]}).encode(),
        lambda: json.dumps({"actions": [], "users": [{"id": 1}]}).encode(),
        lambda: json.dumps({"actions": [{"id": n} for n in range(501)]}).encode(),
        lambda: json.dumps(random_.choice([None, 7, "x", [], {}, [{}], {"data": []}])).encode(),
        lambda: b"",
    )
    return random_.choice(kinds)()


def call(secret: Secret | str, body: bytes, **headers: Any) -> HttpResponse:
    """Call the receiver as Actionstep does."""
    part = secret.reveal() if isinstance(secret, Secret) else secret
    content_type = "application/vnd.api+json"
    return Client(enforce_csrf_checks=True).post(  # type: ignore[return-value] # Django adds to it.
        f"{RECEIVER}{part}/", data=body, content_type=content_type, headers=headers
    )


def findings() -> list[Finding]:
    """Return what the doctor finds of hooks."""
    return [finding for finding in run_checks() if finding.part == "hooks"]
