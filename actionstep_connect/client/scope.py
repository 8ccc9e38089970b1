"""Which scope a call needs, as far as is known: mostly the one that is called like the resource."""

import httpx2

from actionstep_connect.scopes import is_scope
from actionstep_connect.wording.scopes import SCOPES

#: Under this name a call says which scope it needs, in `extensions`.
EXTENSION = "scope"
#: Resources that are not called like their scope; the first is the one to ask for.
OTHER_NAMES = {"as-common": ("AsCommon",), "timeentries": ("timeentries", "timerecords")}


def scopes_of(request: httpx2.Request, resource: str) -> tuple[str, ...]:
    """Return the scopes any of which lets `request` reach `resource`; nothing where that is not known.

    What cannot be a scope's name is returned as it is: it has not been granted to any user.
    """
    if named := request.extensions.get(EXTENSION):
        return (str(named),)
    name = resource.partition("/")[0]
    if name in OTHER_NAMES:
        return OTHER_NAMES[name]
    return (name,) if name and (name in SCOPES or not is_scope(name)) else ()
