"""Organisations whose changes are heard: as whom, when their hooks are looked at, how they are found."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import MAX_LABEL
from actionstep_connect.models import Connection
from actionstep_connect.models.event import utc_now
from actionstep_connect.models.fields import MomentField, OrgkeyField
from actionstep_connect.orgkeys import MAX_ORGKEY


class Organisation(models.Model):
    """One organisation of one environment. Its lease keeps two workers from registering a hook twice."""

    environment = models.CharField(_("environment"), max_length=MAX_LABEL)
    orgkey = OrgkeyField(_("organisation"), max_length=MAX_ORGKEY)
    #: As whom its hooks were last looked at; the setting HOOKS_BEARER names it each time.
    bearer = models.ForeignKey(
        Connection,
        verbose_name=_("bearer"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    check_at = MomentField(_("next check"), default=utc_now)
    checked_at = MomentField(_("last checked"), null=True)
    consecutive_failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error = models.CharField(_("last error"), max_length=200, blank=True)
    lease_owner = models.CharField(max_length=32, blank=True, editable=False)
    lease_expires_at = MomentField(null=True, editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        constraints = (
            models.UniqueConstraint(
                fields=("orgkey", "environment"), name="actionstep_hooks_one_organisation"
            ),
        )
        indexes = (models.Index(fields=("environment", "check_at"), name="actionstep_hooks_check"),)

    def __str__(self) -> str:
        return f"{self.orgkey} ({self.environment})"


class Search(models.Model):
    """When the connections of an environment were last searched for organisations."""

    environment = models.CharField(max_length=MAX_LABEL, primary_key=True)
    searched_at = MomentField()

    def __str__(self) -> str:
        return self.environment
