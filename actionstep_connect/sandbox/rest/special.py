"""Addresses that are no ordinary resources.

To add one: write a view of the request, the ids in the address and the viewer; it checks its own
scope, verbs and media types.
"""

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from actionstep_connect.sandbox.rest import files, matters, metadata
from actionstep_connect.sandbox.rest.viewer import Viewer

Special = Callable[[HttpRequest, str | None, Viewer], HttpResponseBase]

SPECIAL: Mapping[str, Special] = {
    "actionchangestep": matters.change_step,
    "actioncreate": matters.create,
    "as-common": metadata.metadata,
    "files": files.files,
}
