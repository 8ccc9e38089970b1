"""What the example site does when a matter changes at Actionstep."""

from actionstep_connect.hooks.api import Change, on_change
from actionstep_connect.models import Connection
from example_project.models import MatterChange


@on_change("ActionCreated", "ActionUpdated")
def note_matter(connection: Connection, change: Change) -> None:
    """Keep the matter as it is now. To be told twice does no harm."""
    matters = MatterChange.objects.filter(
        user=connection.user, orgkey=change.orgkey, matter=change.row_id
    )
    if change.row is None:
        matters.delete()
        return
    MatterChange.objects.update_or_create(
        user=connection.user,
        orgkey=change.orgkey,
        matter=change.row_id,
        defaults={"name": str(change.row["name"])[:500]},
    )
