"""The audit trail in the admin: read only, across all connections."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from actionstep_connect.admin.base import EventPages, ReadOnly, line, user_search_fields
from actionstep_connect.admin.connection import SEALED
from actionstep_connect.models import ConnectionEvent


@admin.register(ConnectionEvent)
class ConnectionEventAdmin(ReadOnly, EventPages):
    """What happened, to whom, and who did it."""

    # So few that they fit beside the filters and the side bar of Django's admin, 1280 pixels wide.
    list_display = ("at", "kind", "who", "what")
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
        organisations = ("connection__orgkey", "connection__organisation_name")
        return (*user_search_fields("connection__user__"), *organisations)

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        """Let events go with their connection or its user, but never separately."""
        match = request.resolver_match
        user_page = f"{self.opts.app_label}_{self.opts.model_name}_"
        if match is None or (match.url_name or "").startswith(user_page):
            return False
        return request.user.has_perm("actionstep_connect.delete_connection")

    @admin.display(description=_("user"), ordering="connection__user")
    def who(self, event: ConnectionEvent) -> str:
        """Name the user whose connection it was, and the organisation."""
        connection = event.connection
        return format_html("{}{}", connection.user.get_username(), line(connection.organisation))

    @admin.display(description=_("detail"), ordering="detail")
    def what(self, event: ConnectionEvent) -> str:
        """Show what more there is to it, and whose act it was."""
        actor = _("by %(name)s") % {"name": event.actor.get_username()} if event.actor else ""
        return format_html("{}{}", event.detail, line(actor)) if event.detail else actor or "-"
