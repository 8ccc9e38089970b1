"""What the example site keeps of Actionstep: the last changes of matters that it heard of."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models


class MatterChange(models.Model):
    """A matter as it was when the site heard that it had changed, for the user as whom it was read."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    orgkey = models.CharField(max_length=100)
    matter = models.CharField(max_length=100)
    name = models.CharField(max_length=500)
    heard_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        app_label = "example_project"
        constraints = (
            models.UniqueConstraint(
                fields=("user", "orgkey", "matter"), name="example_one_change_of_a_matter"
            ),
        )

    def __str__(self) -> str:
        return self.name
