"""One event of one organisation: whether it is wanted, and how its hook at Actionstep is."""

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.hooks.models.organisation import Organisation
from actionstep_connect.hooks.registry import MAX_EVENT_LENGTH
from actionstep_connect.models import Connection
from actionstep_connect.models.event import utc_now
from actionstep_connect.models.fields import MomentField


class Registration(models.TextChoices):
    """How a subscription's hook at Actionstep is, as far as this site knows."""

    MISSING = "missing", _("not registered")
    """It was never registered, or has been removed."""
    ACTIVE = "active", _("active")
    """Actionstep calls it."""
    DISABLED = "disabled", _("disabled by Actionstep")
    """A call had another answer than 200. It is registered again with the next check."""
    SILENT = "silent", _("without a bearer")
    """There is no user as whom it could be registered, or looked at."""


class Subscription(models.Model):
    """One event of one organisation. There is never more than one."""

    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("organisation"),
        on_delete=models.CASCADE,
        related_name="subscriptions",
        db_index=False,  # The unique constraint begins with it.
    )
    event = models.CharField(_("event"), max_length=MAX_EVENT_LENGTH)
    #: What was said at run time; None where nothing was, and code alone decides.
    asked_for = models.BooleanField(_("asked for at run time"), null=True)
    is_wanted = models.BooleanField(_("wanted"), default=True)
    registration = models.CharField(
        _("registration"),
        max_length=10,
        choices=Registration.choices,
        default=Registration.MISSING,
    )
    registered_at = MomentField(_("registered"), null=True)
    #: When Actionstep last said that the hook is active: until then no call was missed.
    active_at = MomentField(_("last seen active"), null=True)
    last_heard_at = MomentField(_("last heard"), null=True)
    disabled_at = MomentField(_("last found disabled"), null=True)
    times_disabled = models.PositiveIntegerField(_("times found disabled"), default=0)
    #: Since when changes may have been missed and not been looked for yet.
    gap_since = MomentField(_("gap since"), null=True)
    #: The gap whose changes are being looked for.
    catching_up_since = MomentField(_("catching up since"), null=True)
    #: The last gap whose changes could not be fetched.
    missed_from = MomentField(_("missed from"), null=True)
    missed_until = MomentField(_("missed until"), null=True)
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    retry_at = MomentField(_("next try"), null=True)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = (
            models.UniqueConstraint(
                fields=("organisation", "event"), name="actionstep_hooks_one_subscription"
            ),
        )

    def __str__(self) -> str:
        return self.event


class Address(models.Model):
    """Where Actionstep calls for a subscription: the hash of its secret, and the hook that has it."""

    secret_hash = models.CharField(max_length=64, primary_key=True, editable=False)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="addresses"
    )
    #: Who registered it.
    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    #: Actionstep's number for the hook; None until its answer was stored.
    hook_id = models.PositiveBigIntegerField(_("hook"), null=True)
    created_at = MomentField(_("created"), default=utc_now)
    #: When another took its place, or it was no longer wanted.
    retired_at = MomentField(_("retired"), null=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")

    def __str__(self) -> str:
        return f"hook {self.hook_id}, {self.created_at.astimezone(UTC):%Y-%m-%d %H:%M}Z"

    @classmethod
    def retire(cls, rows: "models.QuerySet[Address]") -> int:
        """Mark `rows` as no longer in use."""
        return rows.filter(retired_at=None).update(retired_at=datetime.now(UTC))
