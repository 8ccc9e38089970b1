"""`{% load actionstep_connect %}`: the button to connect, and the alert for any page."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.contrib.auth.base_user import AbstractBaseUser
from django.template import Context

from actionstep_connect.models import Connection, Status
from actionstep_connect.scopes import missing_scopes
from actionstep_connect.wording import state_of

register = template.Library()


@register.inclusion_tag("actionstep_connect/button.html", takes_context=True)
def actionstep_connect_button(
    context: Context,
    scopes: str = "",
    next: str = "",  # noqa: A002 - the name that Django's own login pages use.
    orgkey: str = "",
) -> dict[str, Any]:
    """Render a button that leads to connecting, or say to whom the user is connected.

    `scopes` is space-separated; a connection without one of them counts as none.
    """
    connection, needs_user = None, False
    if user := _user(context):
        connections = [one for one in _kept(user) if not orgkey or one.orgkey == orgkey]
        enough = [
            one
            for one in connections
            if one.is_usable and not missing_scopes(scopes.split(), one.granted_scopes)
        ]
        needs_user = not enough and any(not one.is_usable for one in connections)
        connection = enough[0] if enough else None
    return {
        "connection": connection,
        "needs_user": needs_user,
        "scopes": scopes,
        "next": next,
        "orgkey": orgkey,
    }


@register.inclusion_tag("actionstep_connect/alert.html", takes_context=True)
def actionstep_connection_alert(context: Context) -> dict[str, Any]:
    """Say that a connection needs its user, with the way to mend it; else render nothing."""
    user = _user(context)
    if user is None:
        return {"count": 0}
    now = datetime.now(UTC)
    states = [(one, state_of(one, now=now)) for one in _kept(user)]
    needing = [(one, state) for one, state in states if state.needs_user]
    if not needing:
        return {"count": 0}
    connection, state = needing[0]
    request = context.get("request")
    return {
        "count": len(needing),
        "connection": connection,
        "mood": state.mood,
        "limit": connection.kept_until(now=now),
        "next": request.get_full_path() if request and request.method == "GET" else "",
    }


def _user(context: Context) -> AbstractBaseUser | None:
    """Return who is signed in, and never whom the page is about, whom a view may call `user` too."""
    request = context.get("request")
    user = getattr(request, "user", None) if request else context.get("user")
    return user if isinstance(user, AbstractBaseUser) else None


def _kept(user: AbstractBaseUser) -> list[Connection]:
    """Return what the user has not disconnected, in a stable order."""
    mine = Connection.objects.for_user(user).exclude(status=Status.DISCONNECTED)
    return list(mine.select_related("user").order_by("orgkey"))
