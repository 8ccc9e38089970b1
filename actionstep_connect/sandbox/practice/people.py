"""Who works where, what their own permissions allow, and how large the firms are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Final

from actionstep_connect.sandbox.models import Access

PASSWORD: Final = "sandbox-password"  # noqa: S105 (printed on the sign-in page)

RESTRICTED: Final = frozenset({"30", "60", "90"})
"""Matters that only some see, and with them what hangs on them."""


@dataclass(frozen=True)
class Firm:
    key: str
    name: str
    zone: timezone
    zone_name: str
    participants: int
    actions: int
    time_records: int
    other_rows: int
    """How many file notes, tasks, time entries and records of custom data there are, of each."""


@dataclass(frozen=True)
class Member:
    username: str
    name: str
    description: str
    firms: tuple[str, ...]
    time_records: Access = Access.ALL
    sees_restricted: bool = True
    is_read_only: bool = False


# Queensland and Western Australia never change their clocks.
FIRMS: Final[Mapping[str, Firm]] = {
    firm.key: firm
    for firm in (
        Firm(
            "acmelaw",
            "Acme Law",
            timezone(timedelta(hours=10)),
            "Australia/Brisbane",
            participants=60,
            actions=90,
            time_records=480,
            other_rows=620,
        ),
        Firm(
            "harbourlegal",
            "Harbour Legal",
            timezone(timedelta(hours=8)),
            "Australia/Perth",
            participants=30,
            actions=40,
            time_records=160,
            other_rows=220,
        ),
    )
}
MEMBERS: Final = (
    Member(
        "priya", "Priya Nair", "partner; sees everything in both firms", ("acmelaw", "harbourlegal")
    ),
    Member(
        "tom",
        "Tom Okafor",
        "associate; own time records only, no restricted matters",
        ("acmelaw",),
        time_records=Access.OWN,
        sees_restricted=False,
    ),
    Member(
        "grace",
        "Grace Lindqvist",
        "receptionist; no time records, no restricted matters",
        ("acmelaw",),
        time_records=Access.NONE,
        sees_restricted=False,
    ),
    Member("marcus", "Marcus Bell", "principal; sees everything", ("harbourlegal",)),
    Member(
        "elena",
        "Elena Petrova",
        "paralegal; may read, not write",
        ("harbourlegal",),
        is_read_only=True,
    ),
)


def staff_of(firm: Firm) -> list[Member]:
    """Return a firm's members; their users and contacts are numbered in this order, from 1 on."""
    return [member for member in MEMBERS if firm.key in member.firms]
