"""As whom the example site hears of changes."""

from actionstep_connect.models import Connection


def bearer(orgkey: str) -> Connection | None:
    """Return the organisation's oldest connection that may register hooks and read matters."""
    usable = Connection.objects.usable(scopes=["resthooks", "actions"]).filter(orgkey=orgkey)
    return usable.order_by("connected_at").first()
