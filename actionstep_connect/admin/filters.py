"""Filters beside the list of connections."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import get_config
from actionstep_connect.models import Status
from actionstep_connect.policy import FAILING_AFTER

NEAR_LIMIT = "near-limit"
FAILING = "failing"


class FlagFilter(admin.SimpleListFilter):
    """Connections that need somebody before they are lost."""

    title = _("flag")
    parameter_name = "flag"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        """Name the choices."""
        return [(NEAR_LIMIT, _("near its limit")), (FAILING, _("refresh failing"))]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Filter as the list itself judges, so that a dead beat hides nothing."""
        if self.value() == NEAR_LIMIT:
            limit = datetime.now(UTC) + get_config().warn_before
            near = Q(status=Status.CONNECTED, refresh_token_expires_at__lte=limit)
            return queryset.filter(near | Q(flagged_at__isnull=False))
        if self.value() == FAILING:
            return queryset.filter(consecutive_failures__gte=FAILING_AFTER)
        return queryset
