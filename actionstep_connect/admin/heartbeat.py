"""Maintenance in the admin: does it run, and what did it do?"""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from actionstep_connect.admin.base import HeartbeatPages, ReadOnly
from actionstep_connect.admin.notices import notices_of
from actionstep_connect.admin.times import when
from actionstep_connect.flows.health import HealthProblem, judge
from actionstep_connect.models import Heartbeat


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, HeartbeatPages):
    """When maintenance last ran, for how long, what it did, and its last error."""

    list_display = ("job", "state", "last_run", "duration", "what_it_did", "last_error")
    actions = None
    fields = readonly_fields = (
        *("job", "state", "started_at", "finished_at", "duration", "what_it_did"),
        *("last_error", "last_error_at"),
    )

    class Media:
        """Badges, in the colours of the admin itself."""

        css = {"all": ("actionstep_connect/admin.css",)}  # noqa: RUF012 - Django's own form.

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Whether maintenance runs is nothing to be deleted."""
        return False

    @admin.display(description=_("state"))
    def state(self, heartbeat: Heartbeat) -> str:
        """Show the worst that its last run met, or that it is overdue."""
        now = datetime.now(UTC)
        problems = judge(heartbeat, oldest_due_at=None, now=now)
        notices = notices_of(problems[:1], heartbeat, now=now)
        if not notices:
            return format_html(
                '<span class="actionstep-badge actionstep-ok">{}</span>', _("Running")
            )
        is_late = problems[0] is HealthProblem.NOT_RUNNING
        label = _("Overdue") if is_late else _("Running, with a problem")
        [notice] = notices
        return format_html(
            '<span class="actionstep-badge actionstep-{}">{}</span><br><span class="quiet">{} {}</span>',
            notice.tone,
            label,
            notice.text,
            notice.hint,
        )

    @admin.display(description=_("last run"), ordering="finished_at")
    def last_run(self, heartbeat: Heartbeat) -> str:
        """Show how long ago it ended."""
        return when(heartbeat.finished_at, now=datetime.now(UTC))

    @admin.display(description=_("took"), ordering="seconds")
    def duration(self, heartbeat: Heartbeat) -> str:
        """Show how long it took."""
        return f"{heartbeat.seconds:.1f} s"

    @admin.display(description=_("what it did"))
    def what_it_did(self, heartbeat: Heartbeat) -> str:
        """List what the run counted, leaving out what was none."""
        counts = (
            f"{name.replace('_', ' ')}: {value}"
            for name, value in heartbeat.summary.items()
            if value
        )
        return ", ".join(counts) or str(_("nothing was due"))
