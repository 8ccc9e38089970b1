"""Connections in the admin: read, refreshed, ended and deleted, but never edited."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import flatten_fieldsets, quote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from actionstep_connect.admin.actions import disconnect, export_csv, refresh_now, remind
from actionstep_connect.admin.base import ReadOnly, is_key, user_search_fields
from actionstep_connect.admin.columns import ConnectionColumns, of_user
from actionstep_connect.admin.deletion import with_names
from actionstep_connect.admin.filters import (
    DaysLeftFilter,
    EnvironmentFilter,
    FlagFilter,
    OrganisationFilter,
    ScopeFilter,
)
from actionstep_connect.admin.notices import notices_of
from actionstep_connect.admin.overview import overview
from actionstep_connect.admin.search import EVERYWHERE, MAX_FOUND, search_connections
from actionstep_connect.admin.size import size_of_table
from actionstep_connect.conf import get_config
from actionstep_connect.flows.health import judge, last_run_and_oldest_due
from actionstep_connect.impersonation import acting_as, actor_of
from actionstep_connect.models import Connection, Status
from actionstep_connect.models.condition import condition_of

SEALED = ("sealed_access_token", "sealed_refresh_token")
#: Neither shown, nor searched, nor filtered by.
HIDDEN = frozenset(
    {*SEALED, "generation", "lease_owner", "lease_expires_at", "organisation_name_due_at"}
)
MAX_EVENTS = 100
#: Posted with an action by the page of one connection, to come back to it.
BACK = "_back"


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, ConnectionColumns):
    """Who is connected to which organisation, until when, and what went wrong."""

    # So few that they fit beside the filters and the side bar of Django's admin, 1280 pixels wide.
    list_display = ("who", "condition", "organisation", "tokens")
    list_filter = (
        *("status", FlagFilter, DaysLeftFilter, EnvironmentFilter),
        *(OrganisationFilter, ScopeFilter),
    )
    #: No column "counts" beside the filters: each would be one more pass over the table.
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ("user",)
    list_per_page = 50
    #: As the unique index has them: no page of the list is sorted.
    ordering = ("user_id", "orgkey", "environment")
    actions = (refresh_now, remind, disconnect, export_csv)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "user_page",
                    "orgkey",
                    "organisation_name",
                    "environment",
                    "client_id",
                    "scopes",
                )
            },
        ),
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
        (_("Use"), {"fields": ("connected_at", "last_used_at", "api_endpoint", "id")}),
    )
    readonly_fields = flatten_fieldsets(fieldsets)

    class Media:
        """Badges, notices and charts, in the colours of the admin itself."""

        css = {"all": ("actionstep_connect/admin.css",)}  # noqa: RUF012 - Django's own form.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Leave the sealed columns in the database."""
        return super().get_queryset(request).defer(*SEALED)

    def get_search_fields(self, _request: HttpRequest) -> tuple[str, ...]:
        """Search users by name and e-mail, and organisations."""
        return (*user_search_fields("user__"), "orgkey", "organisation_name")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Refuse filters in the URL on hidden columns; allow the one of the link to a user's rows."""
        if lookup.split("__", 1)[0] in HIDDEN:
            return False
        return lookup == of_user() or super().lookup_allowed(lookup, value, request)

    def has_refresh_permission(self, request: HttpRequest) -> bool:
        """Either the permission to change connections, or that to refresh them."""
        return _may(request, "can_refresh")

    def has_remind_permission(self, request: HttpRequest) -> bool:
        """Either the permission to change connections, or that to remind users."""
        return _may(request, "can_remind")

    def has_disconnect_permission(self, request: HttpRequest) -> bool:
        """Either the permission to change connections, or that to disconnect users."""
        return _may(request, "can_disconnect")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Put above the whole list what concerns all of it; a filtered one begins at once."""
        context = dict(extra_context or {})
        if request.method == "GET":
            now = datetime.now(UTC)
            heartbeat, oldest = last_run_and_oldest_due()
            problems = judge(heartbeat, oldest_due_at=oldest, now=now)
            context["notices"] = notices_of(problems, heartbeat, now=now)
            if not request.GET:
                context["overview"] = overview(heartbeat, problems, now=now)
        return super().changelist_view(request, context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Connection], search_term: str
    ) -> tuple[QuerySet[Connection], bool]:
        """Search once, for counting and for listing, and say where the search ended."""
        if not search_term:
            return queryset, False
        is_large = size_of_table().is_large
        keys, may_be_more = search_connections(queryset, search_term, is_large=is_large)
        if len(keys) == MAX_FOUND:
            words = _("These are the first %(count)d found. Add a word to find others.")
            messages.info(request, words % {"count": MAX_FOUND})
        elif may_be_more:
            words = _("These names begin with it or hold it. To search everywhere: %(search)s")
            messages.info(request, words % {"search": EVERYWHERE + search_term})
        return queryset.filter(pk__in=keys), False

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Connection], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do an action, and go back to the page of one connection if it was asked for there."""
        response = super().response_action(request, queryset, *args, **kwargs)
        back = request.POST.get(BACK, "")
        if is_key(Connection, back) and isinstance(response, HttpResponseRedirect):
            return HttpResponseRedirect(self.url_of("connection_change", quote(back)))
        return response

    def log_change(self, request: HttpRequest, obj: Connection, message: Any) -> LogEntry:
        """Name who acts, also while they act as another member of staff."""
        if name := acting_as(request):
            message = f"{message} (Acting as {name}.)"
        with _by_actor(request):
            return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Name who acts, here too."""
        with _by_actor(request):
            return super().log_deletions(request, queryset)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Name the users of what is to be deleted, where Django gives their numbers."""
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return with_names(found, objs), counts, lacking, protected

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put around the connection what can be done about it, and what happened to it."""
        connection: Connection = context["original"]
        more = {
            "subtitle": f"{connection.user.get_username()}, {connection.organisation}",
            "events": connection.events.select_related("actor")[:MAX_EVENTS],
            "may_refresh": self.has_refresh_permission(request)
            and connection.status != Status.DISCONNECTED,
            "may_remind": self.has_remind_permission(request)
            and condition_of(connection, now=datetime.now(UTC), config=get_config()).needs_user,
            "may_disconnect": self.has_disconnect_permission(request)
            and connection.status != Status.DISCONNECTED,
            "actions_url": self.url_of("connection_changelist"),
            "back": BACK,
        }
        return super().render_change_form(request, {**context, **more}, *args, **kwargs)


@contextmanager
def _by_actor(request: HttpRequest) -> Iterator[None]:
    # Django's log takes its user from the request.
    user, actor = request.user, actor_of(request)
    request.user = actor or user  # type: ignore[assignment] # A site's own model, to the stubs.
    try:
        yield
    finally:
        request.user = user


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm("actionstep_connect.change_connection") or request.user.has_perm(
        f"actionstep_connect.{permission}"
    )
