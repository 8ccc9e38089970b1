"""What the admin shows of a connection: each column and each field, in words and colours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from actionstep_connect.admin.base import ConnectionPages, breakable, line, moment
from actionstep_connect.admin.condition import admin_words
from actionstep_connect.admin.filters import OrganisationFilter
from actionstep_connect.admin.next_refresh import next_refresh_text
from actionstep_connect.admin.times import expires, left, when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection, Status
from actionstep_connect.models.condition import Condition, condition_of
from actionstep_connect.users import email_of

NOTHING = "-"


class ConnectionColumns(ConnectionPages):
    """The columns of the list and the fields of the page."""

    @admin.display(description=_("user"), ordering="user_id")
    def who(self, connection: Connection) -> str:
        """Show the name, and the e-mail address if it is another."""
        user = connection.user
        name, email = str(user.get_username()), email_of(user)
        if not email or email == name:
            return name
        return format_html("{}{}", name, line(breakable(email, "@.")))

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
        query = urlencode({of_user(): connection.user_id})
        mine = f"{self.url_of('connection_changelist')}?{query}"
        return format_html(
            '{}<br><a href="{}">{}</a>', shown, mine, _("All connections of this user")
        )

    @admin.display(description=_("organisation"), ordering="orgkey")
    def organisation(self, connection: Connection) -> str:
        """Show the organisation, with a link to all its connections, the environment and the last use."""
        query = urlencode({OrganisationFilter.parameter_name: connection.orgkey})
        link = format_html('<a href="?{}">{}</a>', query, connection.organisation)
        used = _("used %(time)s") % {"time": when(connection.last_used_at, now=datetime.now(UTC))}
        return format_html("{}{}{}", link, line(connection.environment), line(used))

    @admin.display(description=_("scopes"))
    def scopes(self, connection: Connection) -> str:
        """List all that the user granted."""
        return ", ".join(connection.granted_scopes)

    @admin.display(description=_("condition"), ordering="status")
    def condition(self, connection: Connection) -> str:
        """Show the condition as a badge, its reason, the next step, and the last error."""
        found = admin_words(connection, now=datetime.now(UTC))
        return format_html(
            '<span class="actionstep-badge actionstep-{}">{}</span>{}{}{}',
            found.tone,
            found.label,
            line(str(connection.get_status_reason_display())),
            line(found.hint),
            line(_trouble(connection)),
        )

    @admin.display(description=_("access token"), ordering="access_token_expires_at")
    def access_token(self, connection: Connection) -> str:
        """Show when the access token expires, if it can be used at all."""
        if connection.status != Status.CONNECTED:
            return NOTHING
        return _time(connection.access_token_expires_at, expires)

    @admin.display(description=_("refresh token"), ordering="refresh_token_expires_at")
    def refresh_token(self, connection: Connection) -> str:
        """Show how long the refresh token still lives, with a bar, and whether it is flagged."""
        limit = connection.refresh_token_expires_at
        if limit is None or connection.status != Status.CONNECTED:
            return NOTHING  # Whatever its limit was to be, Actionstep has refused it.
        flagged = self.flag(connection) if connection.flagged_at else ""
        return format_html("{}{}{}", _time(limit, left), _bar(limit), line(flagged))

    @admin.display(description=_("valid for"), ordering="refresh_token_expires_at")
    def tokens(self, connection: Connection) -> str:
        """Show how long both tokens still live: the refresh token first, because it is the limit."""
        refresh, access = self.refresh_token(connection), self.access_token(connection)
        if access == NOTHING:
            return refresh
        access = format_html('<span class="quiet">{} {}</span>', _("Access token"), access)
        return access if refresh == NOTHING else format_html("{}<br>{}", refresh, access)

    @admin.display(description=_("what comes next"), ordering="refresh_at")
    def next_refresh(self, connection: Connection) -> str:
        """Describe the next refresh."""
        return next_refresh_text(connection, now=datetime.now(UTC))

    @admin.display(description=_("flag"), ordering="flagged_at")
    def flag(self, connection: Connection) -> str:
        """Return whether it is near its limit, flagged or not."""
        now = datetime.now(UTC)
        if connection.flagged_at is not None:
            return _("flagged %(time)s") % {"time": when(connection.flagged_at, now=now)}
        condition = condition_of(connection, now=now, config=get_config())
        is_near = condition in (Condition.NEAR_LIMIT, Condition.PAST_LIMIT)
        return str(_("near its limit")) if is_near else NOTHING

    def url_of(self, page: str, *args: str) -> str:
        """Return the address of one of this app's pages in this admin."""
        return reverse(f"{self.admin_site.name}:actionstep_connect_{page}", args=args)


def of_user() -> str:
    """Return the lookup that selects the rows of one user."""
    return f"user__{get_user_model()._meta.pk.name}__exact"


def _trouble(connection: Connection) -> str:
    """Name the last error, and how often refreshing has failed since it last worked."""
    if not connection.last_error:
        return ""
    count = connection.consecutive_failures
    often = ngettext("%(count)d failure in a row", "%(count)d failures in a row", count)
    ago = when(connection.last_failed_at, now=datetime.now(UTC))
    facts = ", ".join(filter(None, (often % {"count": count} if count else "", ago)))
    return f"{connection.last_error} ({facts})" if facts else connection.last_error


def _bar(limit: datetime) -> SafeString:
    # The text beside it says the same, so no reader needs to hear or to see it.
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
