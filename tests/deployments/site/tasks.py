"""The site's own task: maintenance in each of its places."""

from celery import shared_task

from actionstep_connect.tasks import maintain_connections
from tests.deployments.site.places import places, within


@shared_task(name="site.maintain", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's.
def maintain() -> None:
    """Maintain the connections of every place, one after the other."""
    for place in places():
        with within(place):
            maintain_connections()
