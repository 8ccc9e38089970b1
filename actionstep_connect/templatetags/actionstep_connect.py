"""`{% load actionstep_connect %}`: the button to connect, and the alert for any page."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django import template
from django.contrib.auth.base_user import AbstractBaseUser
from django.template import Context

from actionstep_connect.links import next_for, page_url
from actionstep_connect.models import Connection, Status
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.scopes import Scopes, format_scope, missing_scopes, unique_scopes
from actionstep_connect.users import is_user
from actionstep_connect.wording.states import state_of

register = template.Library()


@register.simple_tag
def actionstep_url(name: str = "connections", *args: object) -> str:
    """Return the address of the page called `name`, wherever the site has included the URLs."""
    return page_url(name, *args)


@register.inclusion_tag("actionstep_connect/button.html", takes_context=True)
def actionstep_connect_button(
    context: Context,
    scopes: Scopes = "",
    next: str = "",  # noqa: A002 - the name that Django's own login pages use.
    orgkey: str = "",
) -> dict[str, Any]:
    """Render a button that leads to connecting, or say to whom the user is connected.

    `scopes` is space-separated, or a list; a connection without one of them counts as none.
    """
    wanted = unique_scopes(scopes)

    def is_enough(one: Connection) -> bool:
        return one.is_usable and not missing_scopes(wanted, one.granted_scopes)

    def is_meant(one: Connection) -> bool:
        return not orgkey or same_orgkey(one.orgkey, orgkey)

    user = _user(context)
    kept = [] if user is None else _kept(user, is_good=lambda one: is_meant(one) and is_enough(one))
    meant = list(filter(is_meant, kept))
    enough = list(filter(is_enough, meant))
    request = context.get("request")
    return {
        "connections": enough,
        "needs_user": not enough and any(not one.is_usable for one in meant),
        "scopes": format_scope(wanted),
        "next": next_for(request, next) if request else next,
        "orgkey": orgkey,
    }


@register.inclusion_tag("actionstep_connect/alert.html", takes_context=True)
def actionstep_connection_alert(context: Context) -> dict[str, Any]:
    """Show that a connection needs its user, with a button to reconnect; else render nothing."""
    user = _user(context)
    if user is None:
        return {"count": 0}
    now = datetime.now(UTC)
    kept = _kept(user, is_good=lambda one: not state_of(one, now=now).needs_user, every=True)
    states = [(one, state_of(one, now=now)) for one in kept]
    needing = [(one, state) for one, state in states if state.needs_user]
    if not needing:
        return {"count": 0}
    connection, state = needing[0]
    request = context.get("request")
    return {
        "count": len(needing),
        "connection": connection,
        "is_usable": state.is_usable,
        "limit": connection.valid_until(now=now),
        "next": next_for(request, request.get_full_path())
        if request and request.method == "GET"
        else "",
    }


def _user(context: Context) -> AbstractBaseUser | None:
    """Return who is signed in, and never whom the page is about, whom a view may call `user` too."""
    request = context.get("request")
    user = getattr(request, "user", None) if request else context.get("user")
    return user if is_user(user) else None


def _kept(
    user: AbstractBaseUser, *, is_good: Callable[[Connection], bool], every: bool = False
) -> list[Connection]:
    """Return what the user has not disconnected, in a stable order.

    The primary is asked too, unless what was read first has one that `is_good`, or nothing else.
    """
    mine = Connection.objects.for_user(user).exclude(status=Status.DISCONNECTED)
    mine = mine.select_related("user").order_by("orgkey")
    kept, primary = list(mine), mine.on_primary()
    if (all if every else any)(map(is_good, kept)) or primary.db == mine.db:
        return kept
    return list(primary)
