"""What is to be done about an organisation's hooks: a comparison of what is wanted with what is there.

A pure function: rows in, decisions out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

ACTIVE = "Active"
DELETED = "Deleted"


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook at Actionstep whose address is this site's."""

    id: int
    event: str
    status: str
    secret_hash: str
    last_triggered: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An address that is in use, as this site has it."""

    secret_hash: str
    subscription: int
    event: str
    connection: UUID | None


@dataclass(slots=True)
class Plan:
    """What is to be done, in this order."""

    #: Active and in use: the hook of each subscription.
    confirmed: dict[int, Hook] = field(default_factory=dict)
    #: To be registered. Those in `silent` may have missed calls.
    register: list[int] = field(default_factory=list)
    silent: dict[int, Hook | None] = field(default_factory=dict)
    remove: list[Hook] = field(default_factory=list)


def plan(
    hooks: Iterable[Hook],
    addresses: Mapping[str, Known],
    wanted: Iterable[int],
    *,
    bearer: UUID,
) -> Plan:
    """Compare `hooks` with the subscriptions in `wanted`, whose addresses are `addresses` by hash."""
    found, wanted = Plan(), list(wanted)
    heard: set[int] = set()
    seen: dict[int, Hook] = {}
    for hook in sorted(hooks, key=lambda hook: hook.id):
        known = addresses.get(hook.secret_hash)
        is_right = known is not None and known.subscription in wanted and known.event == hook.event
        if known is not None and is_right:
            seen[known.subscription] = hook
            is_heard = hook.status == ACTIVE
            heard |= {known.subscription} if is_heard else set()
            if (
                is_heard
                and known.connection == bearer
                and known.subscription not in found.confirmed
            ):
                found.confirmed[known.subscription] = hook
                continue
        if hook.status != DELETED:
            found.remove.append(hook)
    for subscription in wanted:
        if subscription not in found.confirmed:
            found.register.append(subscription)
            if subscription not in heard:
                found.silent[subscription] = seen.get(subscription)
    return found
