"""The admin of change notifications: what is wanted, registered, heard, missed and set aside."""

from datetime import UTC, datetime
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from actionstep_connect.admin.base import ReadOnly, breakable, line, moment
from actionstep_connect.admin.times import when
from actionstep_connect.hooks.flows.again import deliver_again
from actionstep_connect.hooks.models import Notification, Organisation, Subscription

if TYPE_CHECKING:
    # At run time Django's admin is not generic (django-stubs makes it so).
    OrganisationPages = admin.ModelAdmin[Organisation]
    SubscriptionPages = admin.ModelAdmin[Subscription]
    NotificationPages = admin.ModelAdmin[Notification]
else:
    OrganisationPages = SubscriptionPages = NotificationPages = admin.ModelAdmin


class Kept(ReadOnly):
    """A mixin for rows that are not deleted by hand either."""

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Rows are deleted by flows only."""
        return False


@admin.register(Organisation)
class OrganisationAdmin(Kept, OrganisationPages):
    """As whom each organisation's hooks are kept, and what keeps them from being kept."""

    list_display = ("where", "as_whom", "checked")
    list_filter = ("environment",)
    search_fields = ("orgkey",)
    list_select_related = ("bearer__user",)
    actions = None
    fields = readonly_fields = (
        *("orgkey", "environment", "bearer", "check_at", "checked_at", "consecutive_failures"),
        "last_error",
    )

    @admin.display(description=_("organisation"), ordering="orgkey")
    def where(self, organisation: Organisation) -> str:
        """Name the organisation and the environment."""
        return format_html("{}{}", organisation.orgkey, line(organisation.environment))

    @admin.display(description=_("bearer"))
    def as_whom(self, organisation: Organisation) -> str:
        """Name the user as whom the hooks are kept."""
        bearer = organisation.bearer
        return str(bearer.user.get_username()) if bearer else "-"

    @admin.display(description=_("last checked"), ordering="checked_at")
    def checked(self, organisation: Organisation) -> str:
        """Show when the hooks were last looked at, and what went wrong."""
        return _with_error(_ago(organisation.checked_at), organisation.last_error)


@admin.register(Subscription)
class SubscriptionAdmin(Kept, SubscriptionPages):
    """Each event of each organisation: is it heard of, since when, and what was missed."""

    list_display = ("what", "hook", "heard")
    list_filter = ("registration", "is_wanted", "event")
    search_fields = ("event", "organisation__orgkey")
    list_select_related = ("organisation",)
    actions = None
    fields = readonly_fields = (
        *("event", "orgkey", "asked_for", "is_wanted", "registration", "registered_at"),
        *("active_at", "last_heard_at", "disabled_at", "times_disabled", "gap_since"),
        *("catching_up_since", "missed_from", "missed_until", "retry_at", "last_error"),
    )

    @admin.display(description=_("organisation"), ordering="organisation__orgkey")
    def orgkey(self, subscription: Subscription) -> str:
        """Name the organisation."""
        return subscription.organisation.orgkey

    @admin.display(description=_("event"), ordering="event")
    def what(self, subscription: Subscription) -> str:
        """Name the event and the organisation."""
        event = breakable(subscription.event, ascii_uppercase)
        return format_html("{}{}", event, line(subscription.organisation.orgkey))

    @admin.display(description=_("registration"), ordering="registration")
    def hook(self, subscription: Subscription) -> str:
        """Show how the hook at Actionstep is, whether it is wanted, and what went wrong."""
        state: str = subscription.get_registration_display()
        if not subscription.is_wanted:
            state = format_html("{}{}", state, line(str(_("not wanted"))))
        return _with_error(state, subscription.last_error)

    @admin.display(description=_("last heard"), ordering="last_heard_at")
    def heard(self, subscription: Subscription) -> str:
        """Show when Actionstep last called, when it had stopped, and what could not be fetched."""
        lines = [_ago(subscription.last_heard_at)]
        if subscription.disabled_at:
            lines.append(line(_("disabled %(time)s") % {"time": _ago(subscription.disabled_at)}))
        if subscription.missed_from:
            since, until = moment(subscription.missed_from), moment(subscription.missed_until)
            words = _("missed: %(since)s to %(until)s") % {"since": since, "until": until}
            lines.append(line(words))
        return format_html_join("", "{}", ((each,) for each in lines))


@admin.action(permissions=["deliver"], description=_("Deliver again"))
def deliver(
    _model_admin: "NotificationAdmin", request: HttpRequest, queryset: QuerySet[Notification]
) -> None:
    """Have those that were set aside delivered by the next worker, or the next maintenance."""
    count = deliver_again(list(queryset.values_list("pk", flat=True)))
    if not count:
        messages.warning(
            request, _("None of these is set aside: there is nothing to deliver again.")
        )
        return
    words = ngettext(
        "%(count)d change will be delivered again.",
        "%(count)d changes will be delivered again.",
        count,
    )
    messages.success(request, words % {"count": count})


@admin.register(Notification)
class NotificationAdmin(Kept, NotificationPages):
    """What has come in and what became of it. What a call held is not shown."""

    list_display = ("received_at", "what", "became")
    list_filter = ("state", "caught_up", "subscription__event")
    search_fields = ("row_id", "subscription__organisation__orgkey")
    list_select_related = ("subscription__organisation",)
    ordering = ("-pk",)
    list_per_page = 50
    actions = (deliver,)
    fields = readonly_fields = (
        *("received_at", "event", "orgkey", "resource", "row_id", "caught_up", "state"),
        *("due_at", "attempts", "failures", "taken_by", "last_error", "settled_at"),
    )

    def has_deliver_permission(self, request: HttpRequest) -> bool:
        """The permission to have changes delivered again."""
        return request.user.has_perm("actionstep_connect_hooks.can_deliver")

    @admin.display(description=_("event"), ordering="subscription__event")
    def event(self, notification: Notification) -> str:
        """Name the event."""
        return notification.subscription.event

    @admin.display(description=_("organisation"), ordering="subscription__organisation__orgkey")
    def orgkey(self, notification: Notification) -> str:
        """Name the organisation."""
        return notification.subscription.organisation.orgkey

    @admin.display(description=_("change"), ordering="resource")
    def what(self, notification: Notification) -> str:
        """Name the row, the event and the organisation."""
        event = breakable(self.event(notification), ascii_uppercase)
        where = line(self.orgkey(notification))
        return format_html("{}{}{}", breakable(str(notification), "/"), line(event), where)

    @admin.display(description=_("state"), ordering="state")
    def became(self, notification: Notification) -> str:
        """Show the state, how often it was tried, and what went wrong."""
        state = notification.get_state_display()
        if count := notification.attempts:
            words = ngettext("%(count)d attempt", "%(count)d attempts", count)
            state = format_html("{}{}", state, line(words % {"count": count}))
        if notification.caught_up:
            state = format_html("{}{}", state, line(str(_("caught up"))))
        return _with_error(state, notification.last_error)


def _ago(time: datetime | None) -> str:
    return when(time, now=datetime.now(UTC)) or "-"


def _with_error(text: str, error: str) -> str:
    return format_html("{}{}", text, line(error))
