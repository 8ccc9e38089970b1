"""What API views share, whichever framework says who is signed in: the organisation meant."""

from collections.abc import Callable
from typing import Any

from actionstep_connect.decorators.finding import Needs
from actionstep_connect.orgkeys import is_orgkey

#: An organisation's key, or what reads it from a request: from a header, say.
Orgkey = str | Callable[[Any], str | None] | None


def fixed(orgkey: Orgkey) -> str | None:
    """Return `orgkey` if it is the same for every request."""
    return orgkey if isinstance(orgkey, str) else None


def for_request(needs: Needs, orgkey: Orgkey, request: Any) -> Needs:
    """Return `needs` with the organisation that `request` names, if that is how it is said."""
    if not callable(orgkey):
        return needs
    named = orgkey(request) or None
    # What can be no key leads to no connection, and into no address.
    return needs._replace(orgkey=named if named is None or is_orgkey(named) else "")
