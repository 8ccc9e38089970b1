"""Filters beside the list of connections. None of them reads the table to know its choices."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from actionstep_connect.conf import get_config
from actionstep_connect.models import Status
from actionstep_connect.models.condition import Condition, where

NEAR_LIMIT = "near-limit"
FAILING = "failing"
OVERDUE = "overdue"
ELSEWHERE = "another"

Choices = list[tuple[str, Any]]


def near_limit(*, now: datetime) -> Q:
    """Select those that are flagged, or would be if maintenance ran now."""
    return where(Condition.NEAR_LIMIT, Condition.PAST_LIMIT, now=now, config=get_config())


def failing(*, now: datetime) -> Q:
    """Select those whose refreshes keep failing, though nothing is lost yet."""
    return where(Condition.FAILING, now=now, config=get_config())


def other_client(*, now: datetime) -> Q:
    """Select those that were made for another CLIENT_ID."""
    return where(Condition.OTHER_CLIENT, now=now, config=get_config())


def overdue(*, now: datetime) -> Q:
    """Select those that this site should have refreshed some time ago."""
    return where(Condition.OVERDUE, now=now, config=get_config())


class FlagFilter(admin.SimpleListFilter):
    """Connections that need a person before they are lost, as the list itself judges."""

    title = _("flag")
    parameter_name = "flag"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Choices:
        """Name the choices."""
        return [
            (NEAR_LIMIT, _("near its limit")),
            (FAILING, _("refresh failing")),
            (OVERDUE, _("refresh overdue")),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter by times, not by what a beat that may be dead has written."""
        now, value = datetime.now(UTC), self.value()
        if value == NEAR_LIMIT:
            return queryset.filter(near_limit(now=now))
        if value == FAILING:
            return queryset.filter(failing(now=now))
        if value == OVERDUE:
            return queryset.filter(overdue(now=now))
        return queryset


class DaysLeftFilter(admin.SimpleListFilter):
    """Connected ones by the time that their refresh tokens have left."""

    title = _("days left")
    parameter_name = "days_left"
    at_most = (1, 7, 14)

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Choices:
        """Name the choices."""
        under = ngettext_lazy("under %(count)d day", "under %(count)d days", "count")
        return [
            ("0", _("limit reached")),
            *((str(days), under % {"count": days}) for days in self.at_most),
            ("more", _("%(count)d days and more") % {"count": self.at_most[-1]}),
        ]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter by the refresh token's limit, which the engine has an index for."""
        value, now = self.value(), datetime.now(UTC)
        connected = queryset.filter(status=Status.CONNECTED)
        if value == "more":
            limit = now + timedelta(days=self.at_most[-1])
            return connected.filter(refresh_token_expires_at__gte=limit)
        if value in ("0", *map(str, self.at_most)):
            limit = now + timedelta(days=int(value))
            return connected.filter(refresh_token_expires_at__lt=limit)
        return queryset


class EnvironmentFilter(admin.SimpleListFilter):
    """The environment that the site uses now, or what another has left behind."""

    title = _("environment")
    parameter_name = "environment"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Choices:
        """Name the choices."""
        here = get_config().environment
        return [(here, here), (ELSEWHERE, _("other"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter by the name of an environment, whichever it is."""
        environment = self.value()
        if environment == ELSEWHERE:
            # Below and above: two ranges of an index, where "not" would be none.
            here = get_config().environment
            return queryset.filter(Q(environment__lt=here) | Q(environment__gt=here))
        return queryset.filter(environment=environment) if environment else queryset


class ScopeFilter(admin.SimpleListFilter):
    """Those that were granted one of the scopes that this site may ask for."""

    title = _("scope")
    parameter_name = "scope"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Choices:
        """Name the choices."""
        return [(scope, scope) for scope in get_config().allowed_scopes]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter by the whole name of a scope."""
        return queryset.filter(granted_scopes__has=self.value()) if self.value() else queryset


class OrganisationFilter(admin.SimpleListFilter):
    """One organisation, typed in: a list of all would be as long as the table."""

    title = _("organisation")
    parameter_name = "organisation"
    template = "admin/actionstep_connect/connection/organisation_filter.html"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> Choices:
        """Offer none: see the template."""
        return []

    def has_output(self) -> bool:
        """Show the field, though there are no choices."""
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Pass the template the other filters, the search, and the link that clears this one."""
        others = changelist.get_filters_params()
        others.pop(self.parameter_name, None)
        if changelist.query:
            others["q"] = [changelist.query]
        yield {
            "others": [(name, value) for name, values in others.items() for value in values],
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
        }

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter by the organisation's whole key."""
        orgkey = (self.value() or "").strip()
        return queryset.filter(orgkey=orgkey) if orgkey else queryset
