"""The inbox: what changed, as a call of Actionstep's or a look after a gap has told."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.hooks.models.subscription import Subscription
from actionstep_connect.models.event import utc_now
from actionstep_connect.models.fields import MomentField


class State(models.TextChoices):
    """What became of a notification."""

    WAITING = "waiting", _("waiting")
    """It is to be delivered, for the first time or again."""
    DELIVERED = "delivered", _("delivered")
    """Each handler has taken it."""
    SET_ASIDE = "set_aside", _("set aside")
    """A handler has raised too often. Nothing happens until someone asks for it."""


class Notification(models.Model):
    """One change of one row. It waits for its turn: those of one row are delivered in order.

    What is the same for each new one has a default in the database, so that the receiver's insert
    (`flows.statements`) names only what is its own.
    """

    subscription = models.ForeignKey(
        Subscription,
        verbose_name=_("subscription"),
        on_delete=models.CASCADE,
        related_name="notifications",
    )
    #: A hash of the call's body, or of the change that was found: what comes twice is stored once.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    #: A hash of organisation, resource and row: those of one lane are delivered one after the other.
    lane = models.CharField(max_length=32, editable=False)
    resource = models.CharField(_("resource"), max_length=60)
    row_id = models.CharField(_("row"), max_length=100)
    #: What the call said of the row, as JSON in ASCII. Empty unless a handler works with that.
    payload = models.TextField(blank=True, editable=False)
    caught_up = models.BooleanField(_("caught up"), default=False)
    received_at = MomentField(_("received"), default=utc_now)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.WAITING,
        db_default=State.WAITING,
    )
    due_at = MomentField(_("due"), default=utc_now)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    #: How often a handler has raised. What is not the handler's fault does not count.
    failures = models.PositiveIntegerField(_("failures"), default=0, db_default=0)
    #: The names of those handlers that have taken it.
    taken_by = models.JSONField(_("taken by"), default=list, db_default=[])
    last_error = models.CharField(
        _("last error"), max_length=200, blank=True, default="", db_default=""
    )
    settled_at = MomentField(_("settled"), null=True)
    lease_owner = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    lease_expires_at = MomentField(null=True, editable=False)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = (
            models.Index(fields=("state", "due_at"), name="actionstep_hooks_due"),
            models.Index(fields=("lane", "state"), name="actionstep_hooks_lane"),
        )
        permissions = (("can_deliver", _("Can have a change delivered again")),)

    def __str__(self) -> str:
        return f"{self.resource}/{self.row_id}"
