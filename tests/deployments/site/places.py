"""Where work is done: in a tenant's schema, in a database chosen by context, or in the one there is."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.db import connections
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

#: The places of a site that has several.
PLACES = ("acme", "bright")

_place: ContextVar[str] = ContextVar("place", default="")


class ContextRouter:
    """The database that the context names; none is a place where nothing may be read or written."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Return the place's own database."""
        return _place.get() or "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Allow what is in one database anyhow."""
        return True


class ReplicaRouter:
    """Reads from a replica, writes to the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        """Return the replica, but for sessions and users, without which no one could sign in."""
        return "replica" if model._meta.app_label == "actionstep_connect" else "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the primary."""
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        """Allow what is in one database anyhow."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Make tables on the primary only."""
        return db == "default"


def has_tenants() -> bool:
    """Return whether places are tenants' schemas."""
    return hasattr(settings, "TENANT_MODEL")


def places() -> tuple[str, ...]:
    """Return the places of this site; one without a name where there is just the one."""
    return PLACES if has_tenants() or "acme" in settings.DATABASES else ("",)


@contextmanager
def within(place: str) -> Generator[None]:
    """Work in that place."""
    if not place:
        yield
    elif has_tenants():
        connection: Any = connections["default"]
        connection.set_schema(place)
        try:
            yield
        finally:
            connection.set_schema_to_public()
    else:
        token = _place.set(place)
        try:
            yield
        finally:
            _place.reset(token)


@sync_and_async_middleware
def choose_place(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answer in the place that the request names."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            return await get_response(request)

        markcoroutinefunction(answer_async)
        return answer_async

    def answer(request: HttpRequest) -> Any:
        with within(request.headers.get("X-Place", "")):
            return get_response(request)

    return answer
