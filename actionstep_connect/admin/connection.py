"""Connections in the admin: read, refreshed, ended and deleted, but never edited."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from actionstep_connect.admin.actions import disconnect, refresh_now
from actionstep_connect.admin.base import ConnectionPages, ReadOnly, moment, user_search_fields
from actionstep_connect.admin.condition import condition_of, is_near_limit
from actionstep_connect.admin.filters import FlagFilter
from actionstep_connect.admin.notices import current_notices
from actionstep_connect.admin.times import expires, left, when
from actionstep_connect.models import Connection

SEALED = ("sealed_access_token", "sealed_refresh_token")
#: Neither shown, nor searched, nor filtered by.
HIDDEN = frozenset({*SEALED, "generation", "lease_owner", "lease_expires_at"})
MOST_EVENTS = 100
NOTHING = "-"


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, ConnectionPages):
    """Who is connected to which organisation, until when, and what went wrong."""

    # What is urgent stands to the left: the list is wider than many a screen.
    list_display = (
        "who",
        "orgkey",
        "condition",
        "access_token",
        "refresh_token",
        "flag",
        "last_error",
        "consecutive_failures",
        "environment",
        "scopes",
    )
    list_filter = ("status", FlagFilter, "environment")
    list_select_related = ("user",)
    list_per_page = 50
    ordering = ("user", "orgkey")
    actions = (refresh_now, disconnect)
    fieldsets = (
        (None, {"fields": ("who", "orgkey", "environment", "client_id", "scopes", "api_endpoint")}),
        (_("State"), {"fields": ("condition", "status", "status_reason", "flag", "remind_at")}),
        (
            _("Tokens"),
            {
                "fields": (
                    ("access_token", "access_token_expires_at"),
                    ("refresh_token", "refresh_token_expires_at"),
                    ("next_refresh", "refresh_at"),
                    "last_refreshed_at",
                )
            },
        ),
        (
            _("Trouble"),
            {
                "fields": (
                    "consecutive_failures",
                    "last_error",
                    "last_failed_at",
                    "outcome_unknown_since",
                )
            },
        ),
        (_("Use"), {"fields": ("connected_at", "last_used_at", "id")}),
    )
    readonly_fields = flatten_fieldsets(fieldsets)

    class Media:
        """Badges and notices, in the colours of the admin itself."""

        css = {"all": ("actionstep_connect/admin.css",)}  # noqa: RUF012 - Django's own form.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Leave the sealed columns in the database."""
        return super().get_queryset(request).defer(*SEALED)

    def get_search_fields(self, _request: HttpRequest) -> tuple[str, ...]:
        """Search users by name and e-mail, and organisations."""
        return (*user_search_fields("user__"), "orgkey")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Refuse filters in the URL on columns that nobody may see."""
        if lookup.split("__", 1)[0] in HIDDEN:
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        """Either the permission to change connections, or that to refresh them."""
        return _may(request, "can_refresh")

    def has_disconnect_permission(self, request: HttpRequest) -> bool:
        """Either the permission to change connections, or that to disconnect users."""
        return _may(request, "can_disconnect")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Put above the list what concerns all of it."""
        notices = current_notices(now=datetime.now(UTC))
        return super().changelist_view(request, {"notices": notices, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put below the connection what happened to it."""
        connection: Connection = context["original"]
        events = connection.events.select_related("actor")[:MOST_EVENTS]
        return super().render_change_form(request, {"events": events, **context}, *args, **kwargs)

    @admin.display(description=_("user"), ordering="user")
    def who(self, connection: Connection) -> str:
        """Show the name, and the e-mail address if it is another."""
        user = connection.user
        name, email = user.get_username(), getattr(user, user.get_email_field_name(), "")
        if not email or email == name:
            return name
        return format_html('{}<br><span class="quiet">{}</span>', name, email)

    @admin.display(description=_("scopes"))
    def scopes(self, connection: Connection) -> str:
        """List what the user granted."""
        return ", ".join(connection.granted_scopes)

    @admin.display(description=_("condition"), ordering="status")
    def condition(self, connection: Connection) -> str:
        """Show the condition as a badge, its reason, and the next step."""
        found = condition_of(connection, now=datetime.now(UTC))
        return format_html(
            '<span class="actionstep-badge actionstep-{}">{}</span>{}{}',
            found.tone,
            found.label,
            _line(str(connection.get_status_reason_display())),
            _line(found.next_step),
        )

    @admin.display(description=_("access token"), ordering="access_token_expires_at")
    def access_token(self, connection: Connection) -> str:
        """Say when the access token expires."""
        return _time(connection.access_token_expires_at, expires)

    @admin.display(description=_("refresh token"), ordering="refresh_token_expires_at")
    def refresh_token(self, connection: Connection) -> str:
        """Say how long the refresh token still lives."""
        return _time(connection.refresh_token_expires_at, left)

    @admin.display(description=_("next refresh"), ordering="refresh_at")
    def next_refresh(self, connection: Connection) -> str:
        """Say when the next refresh is due."""
        return _time(connection.refresh_at, when)

    @admin.display(description=_("flag"), ordering="flagged_at")
    def flag(self, connection: Connection) -> str:
        """Say whether it is near its limit, whoever noticed."""
        now = datetime.now(UTC)
        if connection.flagged_at is not None:
            return _("flagged %(time)s") % {"time": when(connection.flagged_at, now=now)}
        return str(_("near its limit")) if is_near_limit(connection, now=now) else NOTHING


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm("actionstep_connect.change_connection") or request.user.has_perm(
        f"actionstep_connect.{permission}"
    )


def _line(text: str) -> str:
    return format_html('<br><span class="quiet">{}</span>', text) if text else ""


def _time(value: datetime | None, words: Any) -> str:
    if value is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        moment(value),
        words(value, now=datetime.now(UTC)),
    )
