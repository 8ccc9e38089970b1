"""Who is signed in, where, and addresses that lead into Actionstep (`application-meta-data`)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from actionstep_connect.client.answers import Row, current_user_of, json_object_of
from actionstep_connect.client.bearer import CURRENT_USER
from actionstep_connect.client.conversation import Ask, Steps
from actionstep_connect.client.values import as_text
from actionstep_connect.scopes import AS_COMMON

ADDRESS = "as-common/application-meta-data"
#: What asks for it, beside the scope of the same name.
HEADERS = {"X-API-EXTENSION": AS_COMMON}
HTTPS = ("https://", "http://")


def read_current_user() -> Steps[Row]:
    """Return the user that Actionstep says this is."""
    answer = yield Ask("GET", CURRENT_USER)
    return current_user_of(answer.response, token=answer.token)


def read() -> Steps[Row]:
    """Return what Actionstep says of the user, of the organisation and of the way in."""
    answer = yield Ask("GET", ADDRESS, {"headers": HEADERS})
    return json_object_of(answer.response, token=answer.token)


def deep_link(about: Mapping[str, Any], target: str, **ids: Any) -> str:
    """Return the address at Actionstep of what is meant: `view-action` with `action_id=7`.

    `about` is what `application_meta_data()` gave; the address is its user's own: show it to no other user.
    Raises ValueError if it has none.
    """
    start = about.get("deepLinkUrl")
    if not isinstance(start, str) or not start.startswith(HTTPS):
        raise ValueError("Actionstep gave no deepLinkUrl, so there is no way in.")
    joint = "&" if "?" in start else "?"
    said = {name: as_text(value, name) for name, value in ids.items() if value is not None}
    return f"{start}{joint}{urlencode({'target': target, **said})}"
