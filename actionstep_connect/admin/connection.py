"""Connections in the admin: read, refreshed, ended and deleted, but never edited."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets, quote
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from actionstep_connect.admin.actions import disconnect, export_csv, refresh_now, remind
from actionstep_connect.admin.base import ConnectionPages, ReadOnly, moment, user_search_fields
from actionstep_connect.admin.condition import condition_of, is_near_limit
from actionstep_connect.admin.filters import (
    DaysLeftFilter,
    EnvironmentFilter,
    FlagFilter,
    OrganisationFilter,
    ScopeFilter,
)
from actionstep_connect.admin.notices import current_notices
from actionstep_connect.admin.overview import overview
from actionstep_connect.admin.times import expires, left, when
from actionstep_connect.admin.upcoming import upcoming
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Heartbeat, Status
from actionstep_connect.wording import state_of

SEALED = ("sealed_access_token", "sealed_refresh_token")
#: Neither shown, nor searched, nor filtered by.
HIDDEN = frozenset({*SEALED, "generation", "lease_owner", "lease_expires_at"})
MOST_EVENTS = 100
MOST_FOUND = 1000
NOTHING = "-"
#: Posted with an action by the page of one connection, to come back to it.
BACK = "_back"


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, ConnectionPages):
    """Who is connected to which organisation, until when, and what went wrong."""

    # What is urgent stands to the left: the list is wider than many a screen.
    list_display = (
        *("who", "condition", "organisation", "access_token", "refresh_token"),
        *("last_used", "trouble"),
    )
    list_filter = (
        *("status", FlagFilter, DaysLeftFilter, EnvironmentFilter),
        *(OrganisationFilter, ScopeFilter),
    )
    #: No column "counts" beside the filters: each would be one more pass over the table.
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ("user",)
    list_per_page = 50
    ordering = ("user", "orgkey")
    actions = (refresh_now, remind, disconnect, export_csv)
    fieldsets = (
        (
            None,
            {"fields": ("user_page", "orgkey", "environment", "client_id", "scopes")},
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
        return (*user_search_fields("user__"), "orgkey")

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Refuse filters in the URL on columns that nobody may see."""
        if lookup.split("__", 1)[0] in HIDDEN:
            return False
        return super().lookup_allowed(lookup, value, request)

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
            now, heartbeat = datetime.now(UTC), Heartbeat.of_maintenance()
            context["notices"] = current_notices(heartbeat, now=now)
            if not request.GET:
                context["overview"] = overview(heartbeat, now=now)
        return super().changelist_view(request, context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Connection], search_term: str
    ) -> tuple[QuerySet[Connection], bool]:
        """Search once, for counting and for listing, and no further than anybody reads.

        SELECT id … WHERE UPPER(username) LIKE … LIMIT 1000, which no index serves.
        """
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return found, duplicates
        keys = list(found.order_by().values_list("pk", flat=True)[:MOST_FOUND])
        if len(keys) == MOST_FOUND:
            words = _("These are the first %(count)d found. Add a word to find others.")
            messages.info(request, words % {"count": MOST_FOUND})
        return queryset.filter(pk__in=keys), False

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Connection], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do an action, and go back to the page of one connection if it was asked for there."""
        response = super().response_action(request, queryset, *args, **kwargs)
        if BACK in request.POST and isinstance(response, HttpResponseRedirect):
            key = quote(request.POST[BACK])
            return HttpResponseRedirect(self._url("connection_change", key))
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Put around the connection what can be done about it, and what happened to it."""
        connection: Connection = context["original"]
        more = {
            "subtitle": f"{connection.user.get_username()}, {connection.orgkey}",
            "events": connection.events.select_related("actor")[:MOST_EVENTS],
            "may_refresh": self.has_refresh_permission(request),
            "may_remind": self.has_remind_permission(request)
            and state_of(connection, now=datetime.now(UTC)).needs_user,
            "may_disconnect": self.has_disconnect_permission(request)
            and connection.status != Status.DISCONNECTED,
            "actions_url": self._url("connection_changelist"),
            "back": BACK,
        }
        return super().render_change_form(request, {**context, **more}, *args, **kwargs)

    @admin.display(description=_("user"), ordering="user")
    def who(self, connection: Connection) -> str:
        """Show the name, and the e-mail address if it is another."""
        user = connection.user
        name, email = user.get_username(), getattr(user, user.get_email_field_name(), "")
        if not email or email == name:
            return name
        account, at, host = email.partition("@")
        # If it must be broken, then there.
        return format_html('{}<br><span class="quiet">{}{}<wbr>{}</span>', name, account, at, host)

    @admin.display(description=_("user"))
    def user_page(self, connection: Connection) -> str:
        """Show the name, with links to the user and to all of their connections."""
        meta = get_user_model()._meta
        name = self.who(connection)
        try:
            url = reverse(
                f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_change",
                args=[quote(connection.user_id)],
            )
        except NoReverseMatch:  # The site's users are not in its admin.
            shown = name
        else:
            shown = format_html('<a href="{}">{}</a>', url, name)
        mine = f"{self._url('connection_changelist')}?user__id__exact={connection.user_id}"
        return format_html(
            '{}<br><a href="{}">{}</a>', shown, mine, _("All connections of this user")
        )

    @admin.display(description=_("organisation"), ordering="orgkey")
    def organisation(self, connection: Connection) -> str:
        """Show the organisation, with a link to all who are connected to it, and the environment."""
        query = urlencode({OrganisationFilter.parameter_name: connection.orgkey})
        link = format_html('<a href="?{}">{}</a>', query, connection.orgkey)
        return format_html("{}{}", link, _line(connection.environment))

    @admin.display(description=_("scopes"))
    def scopes(self, connection: Connection) -> str:
        """List all that the user granted."""
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
        """Say when the access token expires, if it can be used at all."""
        if connection.status != Status.CONNECTED:
            return NOTHING
        return _time(connection.access_token_expires_at, expires)

    @admin.display(description=_("refresh token"), ordering="refresh_token_expires_at")
    def refresh_token(self, connection: Connection) -> str:
        """Say how long the refresh token still lives, with a bar, and whether it is flagged."""
        limit = connection.refresh_token_expires_at
        if limit is None or connection.status != Status.CONNECTED:
            return NOTHING  # Whatever its limit was to be, Actionstep has refused it.
        flagged = self.flag(connection) if connection.flagged_at else ""
        return format_html("{}{}{}", _time(limit, left), _bar(limit), _line(flagged))

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, connection: Connection) -> str:
        """Say when an API call was last made with it, to the hour."""
        return _time(connection.last_used_at, when)

    @admin.display(description=_("last error"), ordering="consecutive_failures")
    def trouble(self, connection: Connection) -> str:
        """Show the last error, and how often refreshing has failed since it last worked."""
        if not connection.last_error:
            return NOTHING
        count = connection.consecutive_failures
        often = ngettext("%(count)d failure in a row", "%(count)d failures in a row", count)
        ago = when(connection.last_failed_at, now=datetime.now(UTC))
        parts = (often % {"count": count} if count else "", ago)
        return format_html("{}{}", connection.last_error, _line(", ".join(filter(None, parts))))

    @admin.display(description=_("what comes next"), ordering="refresh_at")
    def next_refresh(self, connection: Connection) -> str:
        """Say what the next refresh will do, and when."""
        return upcoming(connection, now=datetime.now(UTC))

    @admin.display(description=_("flag"), ordering="flagged_at")
    def flag(self, connection: Connection) -> str:
        """Say whether it is near its limit, whoever noticed."""
        now = datetime.now(UTC)
        if connection.flagged_at is not None:
            return _("flagged %(time)s") % {"time": when(connection.flagged_at, now=now)}
        return str(_("near its limit")) if is_near_limit(connection, now=now) else NOTHING

    def _url(self, page: str, *args: str) -> str:
        return reverse(f"{self.admin_site.name}:actionstep_connect_{page}", args=args)


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm("actionstep_connect.change_connection") or request.user.has_perm(
        f"actionstep_connect.{permission}"
    )


def _line(text: str) -> str:
    return format_html('<br><span class="quiet">{}</span>', text) if text else ""


def _bar(limit: datetime) -> SafeString:
    # The words beside it say the same, so that nobody needs to hear or to see it.
    config, day = get_config(), timedelta(days=1)
    days = max((limit - datetime.now(UTC)) / day, 0)
    low = config.warn_before / day
    return format_html(
        '<br><meter class="actionstep-meter" aria-hidden="true" max="{0}" low="{1}" high="{1}" '
        'optimum="{0}" value="{2}"></meter>',
        f"{config.refresh_token_lifetime / day:g}",
        f"{low:g}",
        f"{days:.2f}",
    )


def _time(value: datetime | None, words: Any) -> str:
    if value is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        moment(value),
        words(value, now=datetime.now(UTC)),
    )
