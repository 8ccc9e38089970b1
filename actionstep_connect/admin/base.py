"""What all admin pages of this package have in common: they show, and change nothing."""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from actionstep_connect.admin.changelist import NUL, LimitedPaginator, TolerantChangeList
from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat
from actionstep_connect.users import email_field

if TYPE_CHECKING:
    # At run time Django's admin is not generic (django-stubs makes it so).
    ConnectionPages = admin.ModelAdmin[Connection]
    EventPages = admin.ModelAdmin[ConnectionEvent]
    HeartbeatPages = admin.ModelAdmin[Heartbeat]
else:
    ConnectionPages = EventPages = HeartbeatPages = admin.ModelAdmin


class ReadOnly:
    """A mixin for pages on which nothing is added or changed."""

    #: So that a long list is not counted twice.
    show_full_result_count = False
    paginator: ClassVar[type] = LimitedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002 - Django passes them by name.
        """Take any text from the address."""
        return TolerantChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Refuse regular expressions: each database has its own, and a bad one is an error there."""
        if lookup.endswith(("__regex", "__iregex")):
            return False
        allowed: bool = super().lookup_allowed(lookup, value, request)  # type: ignore[misc] # Of ModelAdmin.
        return allowed

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Find no row by a key that no database stores."""
        if NUL in object_id:
            return None
        return super().get_object(request, object_id, from_field)  # type: ignore[misc] # Of ModelAdmin.

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Do an action, but select no row by a text that is no key."""
        form: QueryDict = request.POST.copy()
        selected = form.getlist(ACTION_CHECKBOX_NAME)
        form.setlist(
            ACTION_CHECKBOX_NAME, [text for text in selected if is_key(queryset.model, text)]
        )
        request.POST = form  # type: ignore[assignment] # The stubs know immutable ones only.
        answer: HttpResponse | None = super().response_action(  # type: ignore[misc] # Of ModelAdmin.
            request, queryset, *args, **kwargs
        )
        return answer

    def has_add_permission(self, _request: HttpRequest) -> bool:
        """Rows come from flows only."""
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Rows are changed by flows only."""
        return False


def is_key(model: type[models.Model], text: str) -> bool:
    """Return whether a row of `model` can have `text` as its primary key."""
    try:
        key = model._meta.pk.to_python(text)
        model._meta.pk.run_validators(key)  # A number may be larger than any that can be stored.
    except ValidationError:
        return False
    return True


def user_search_fields(prefix: str) -> tuple[str, ...]:
    """Return how a user is searched by name or e-mail, whatever the site's user model has."""
    model = get_user_model()
    wanted = (model.USERNAME_FIELD, email_field(), "first_name", "last_name")
    return tuple(f"{prefix}{name}" for name in dict.fromkeys(wanted) if _has_text(model, name))


def moment(value: Any) -> str:
    """Write a time out in full, in the reader's time zone."""
    return date_format(timezone.localtime(value), "DATETIME_FORMAT") if value else "-"


def line(text: str) -> str:
    """Write a text in a line of its own below what matters more; nothing if it is empty."""
    return format_html('<br><span class="quiet">{}</span>', text) if text else ""


def breakable(text: str, marks: str) -> SafeString:
    """Let a text without spaces be broken before each of these marks, and nowhere else if it can."""
    parts = re.split(f"(?=[{re.escape(marks)}])", text)
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


def _has_text(model: type[models.Model], name: str) -> bool:
    # A user may be called by a row of another table, which has no text to search.
    try:
        return not model._meta.get_field(name).is_relation
    except FieldDoesNotExist:
        return False
