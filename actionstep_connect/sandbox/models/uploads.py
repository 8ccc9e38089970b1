"""What was uploaded; its bytes lie in the spool."""

from typing import ClassVar, Self

from django.db import models

from actionstep_connect.sandbox.models.directory import Membership


class Upload(models.Model):
    """One file on its way to a document: its parts come one by one, then it is scanned."""

    id = models.CharField(primary_key=True, max_length=32)
    membership: models.ForeignKey[Membership, Membership] = models.ForeignKey(
        Membership, models.CASCADE, related_name="+"
    )
    name = models.CharField(max_length=255)
    part_count = models.PositiveIntegerField()
    completed_at = models.DateTimeField(null=True)
    taken_as = models.CharField(max_length=200, blank=True)
    """The `file` of the document that took it."""

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "actionstep_sandbox"
        indexes = (models.Index(fields=["taken_as"], name="upload_taken_as"),)

    def __str__(self) -> str:
        return f"upload {self.pk}"
