"""A firm under construction."""

from datetime import date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Any, Final

from actionstep_connect.sandbox.facts.resource import Kind
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.practice.people import Firm, Member, staff_of
from actionstep_connect.sandbox.store import Row

LAST_DAY: Final = date(2026, 10, 30)

Links = dict[str, str | list[str] | None]


class Practice:
    """Takes rows in, completed with what the facts say of their resource."""

    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.random = Random(firm.key)  # noqa: S311 (believable, not secret)
        self.tables: dict[str, dict[str, Row]] = {}

    @property
    def staff(self) -> list[Member]:
        return staff_of(self.firm)

    def add(self, resource: str, key: str | int, links: Links | None = None, **members: Any) -> str:
        """Add a row; return its id as links to it have it."""
        has_text_id, blank, blank_links = _blank(resource)
        row = {**blank, "id": key if has_text_id else int(key), **members}
        if blank_links is not None:
            row["links"] = {**blank_links, **(links or {})}
        self.tables.setdefault(resource, {})[str(key)] = row
        return str(key)

    def keys(self, resource: str) -> list[str]:
        return list(self.tables[resource])

    def pick(self, resource: str) -> str:
        """Return the id of one of the rows of a resource."""
        return self.random.choice(self.keys(resource))

    def earner(self) -> str:
        """Return the contact of a person who works here."""
        return str(self.random.randint(1, len(self.staff)))

    def day(self, number: int, most: int, days: int = 900) -> date:
        """Return the day of row `number` of `most`: oldest first, spread over so many days."""
        return LAST_DAY - timedelta(days=(most - number) * days // max(most, 1))

    def at(self, day: date, hour: int, minute: int = 0) -> str:
        """Return a moment as the firm's clock shows it, with its offset."""
        return datetime.combine(day, time(hour, minute), self.firm.zone).isoformat()


@cache
def _blank(resource: str) -> tuple[bool, dict[str, Any], Links | None]:
    """Return whether ids are text, and a row of which nothing is known yet."""
    described = RESOURCES[resource]
    empty = {Kind.BOOLEAN: "F", Kind.INTEGER: 0, Kind.NUMBER: 0}
    members = {
        name: member.choices[0] if member.choices else empty.get(member.kind)
        for name, member in described.members.items()
    }
    members |= {name: "F" for name, one in described.members.items() if one.kind == Kind.BOOLEAN}
    links: Links = {name: link.nothing for name, link in described.links.items()}
    return described.has_text_id, members, links if described.links else None
