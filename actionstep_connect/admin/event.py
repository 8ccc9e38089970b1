"""The audit trail in the admin: read only, across all connections."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from actionstep_connect.admin.base import EventPages, ReadOnly, user_search_fields
from actionstep_connect.admin.connection import SEALED
from actionstep_connect.models import ConnectionEvent


@admin.register(ConnectionEvent)
class ConnectionEventAdmin(ReadOnly, EventPages):
    """What happened, to whom, and who did it."""

    list_display = ("at", "kind", "who", "organisation", "actor", "detail")
    list_filter = ("kind", "at")
    list_per_page = 50
    actions = None
    fields = readonly_fields = ("at", "kind", "connection", "actor", "detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConnectionEvent]:
        """Fetch the people in the same query, and leave the sealed columns in the database."""
        rows = super().get_queryset(request).select_related("connection__user", "actor")
        return rows.defer(*(f"connection__{name}" for name in SEALED))

    def get_search_fields(self, _request: HttpRequest) -> tuple[str, ...]:
        """Search users by name and e-mail, and organisations."""
        return (*user_search_fields("connection__user__"), "connection__orgkey")

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Let events go with their connection or its user, but never by themselves."""
        match = request.resolver_match
        own_page = f"{self.opts.app_label}_{self.opts.model_name}_"
        if match is None or (match.url_name or "").startswith(own_page):
            return False
        return request.user.has_perm("actionstep_connect.delete_connection")

    @admin.display(description=_("user"), ordering="connection__user")
    def who(self, event: ConnectionEvent) -> str:
        """Name the user whose connection it was."""
        return event.connection.user.get_username()

    @admin.display(description=_("organisation"), ordering="connection__orgkey")
    def organisation(self, event: ConnectionEvent) -> str:
        """Name the organisation."""
        return event.connection.orgkey
