"""Who asks: what their client was granted, and what their own permissions show them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.models import Access, Grant, Membership
from actionstep_connect.sandbox.practice.people import RESTRICTED
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.store import Firm, Row

TIME: Final = frozenset({"timerecords", "timeentries"})
"""What the permission *time records* is about."""

NUMBERED_AS_MATTERS: Final = frozenset({"actions", "actionbillsettings"})

Sees = Callable[[Row], bool]


@dataclass(frozen=True)
class Viewer:
    grant: Grant
    firm: Firm

    @property
    def membership(self) -> Membership:
        return self.grant.membership

    def within(self, firm: Firm) -> "Viewer":
        """Return the same viewer of another state of their firm."""
        return replace(self, firm=firm)

    def has_scope(self, *scopes: str) -> bool:
        """Return whether any one of these was granted, or everything was."""
        granted = self.grant.scopes.split()
        return "all" in granted or not set(granted).isdisjoint(scopes)

    def check_scope(self, *scopes: str) -> None:
        if not self.has_scope(*scopes):
            detail = f"The scope {scopes[0]} was not granted."
            raise ApiProblem(403, detail, code="insufficient_scope")

    def check_may_read(self, resource: str) -> None:
        """Raise if the end-user's own permissions do not reach the resource at all."""
        if resource in TIME and self.membership.time_records == Access.NONE:
            raise ApiProblem(403, "You do not have permission to view time records.")

    def check_may_write(self) -> None:
        if self.membership.is_read_only:
            raise ApiProblem(403, "You do not have permission to change this.")

    def check_may_own(self, resource: str, row: Row) -> None:
        """Raise if the row would be another person's time, and only one's own is allowed."""
        if not self._is_own(resource, row):
            raise ApiProblem(403, "You may only record your own time.")

    def rows(self, resource: str) -> Iterable[Row]:
        """Return the rows that this end-user's own permissions show."""
        table = self.firm.table(resource)
        sees = self._filter(resource)
        if resource == "users":
            return [self._as_user(row) for row in table.values()]
        return table.values() if sees is None else filter(sees, table.values())

    def find(self, resource: str, key: str) -> Row | None:
        """Return the row of this id, if there is one and the end-user may see it."""
        row = self.firm.table(resource).get(key)
        if row is None or not self.sees(resource, row):
            return None
        return self._as_user(row) if resource == "users" else row

    def sees(self, resource: str, row: Row) -> bool:
        sees = self._filter(resource)
        return sees is None or sees(row)

    def _filter(self, resource: str) -> Sees | None:
        """Return what tells the visible rows; None if all are."""
        everything = self.membership.sees_restricted
        if resource in TIME and self.membership.time_records != Access.ALL:
            return lambda row: self._is_own(resource, row) and (everything or _is_open(row))
        if everything:
            return None
        if resource in NUMBERED_AS_MATTERS:
            return lambda row: str(row["id"]) not in RESTRICTED
        return _is_open if "action" in RESOURCES[resource].links else None

    def _is_own(self, resource: str, row: Row) -> bool:
        access = self.membership.time_records if resource in TIME else Access.ALL
        if access == Access.OWN:
            return bool(row["links"]["owner"] == str(self.membership.participant))
        return access == Access.ALL

    def _as_user(self, row: Row) -> Row:
        is_current = row["id"] == self.membership.number
        return {**row, "isCurrent": "T" if is_current else "F"}


def _is_open(row: Row) -> bool:
    """Return whether a row hangs on no restricted matter."""
    action = row["links"]["action"]
    if isinstance(action, list):
        return RESTRICTED.isdisjoint(action)
    return action not in RESTRICTED
