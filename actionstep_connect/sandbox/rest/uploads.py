"""From an upload to the document that takes it, and back from a document to its bytes."""

import mimetypes
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.models import Upload
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import InvalidBody
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.scan import LOOKED_AT, extension_of, fault_of_type, has_virus
from actionstep_connect.sandbox.spool import spool
from actionstep_connect.sandbox.store import Change, Firm, Row
from actionstep_connect.sandbox.switchboard import switchboard

UPLOADING, SCANNING, UPLOADED = "Uploading", "Scanning", "Uploaded"
"""Statuses of an upload; what Actionstep calls them is not known."""

IDENTIFIER = re.compile(r"(DL::Actions|CD::Contacts|EM::Emails)::([0-9]+)::([0-9]+)")
RESOURCES_WITH_FILES = {
    "DL::Actions": "actiondocuments",
    "CD::Contacts": "contactdocuments",
    "EM::Emails": "emailattachments",
}
FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")


def status(upload: Upload) -> str:
    if upload.completed_at is None:
        return UPLOADING
    ready = upload.completed_at + timedelta(seconds=switchboard.options.scan_seconds)
    return UPLOADED if ready <= clock.now() else SCANNING


def take(said: Any, identifier: str, resource: str, viewer: Viewer) -> dict[str, Any]:
    """Let a new document have the upload that `id;filename` means; return what it then knows."""
    key, _, name = str(said).partition(";")
    upload = Upload.objects.filter(pk=key, membership=viewer.membership).first()
    if fault := _fault(upload, name, viewer):
        raise InvalidBody(Mistake(f"file {fault}.", pointer=f"/{resource}/file"))
    _assign(key, identifier, viewer.firm)
    extension = extension_of(name)
    return {
        "fileName": name,
        "fileSize": spool.size(key),
        "fileType": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "extension": f".{extension}" if extension else "",
    }


def _assign(key: str, identifier: str, firm: Firm) -> None:
    taken = Upload.objects.filter(taken_as=identifier, membership__organisation__key=firm.orgkey)
    # Another one has it if that row was given up before it was kept.
    taken.update(taken_as="")
    Upload.objects.filter(pk=key).update(taken_as=identifier)


def _fault(upload: Upload | None, name: str, viewer: Viewer) -> str:
    if not FILE_NAME.fullmatch(name):
        return "must be the id of an upload, a semicolon and a file name"
    if upload is None:
        return "is no upload of yours"
    if upload.taken_as and find_row(upload.taken_as, viewer.firm) is not None:
        return "belongs to another document already"
    pending = {
        UPLOADING: "lacks parts",
        SCANNING: "is still being scanned; try again later",
    }
    if fault := pending.get(status(upload)):
        return fault
    beginning = spool.beginning(upload.pk, LOOKED_AT)
    if has_virus(beginning):
        return "holds a virus"
    return fault_of_type(name, beginning)


def find_row(identifier: str, firm: Firm) -> tuple[str, Row] | None:
    """Return the document that has this file, and its resource."""
    parts = IDENTIFIER.fullmatch(identifier)
    if parts is None:
        return None
    resource = RESOURCES_WITH_FILES[parts[1]]
    key = parts[2] if resource == "emailattachments" else parts[3]
    row = firm.table(resource).get(key)
    return (resource, row) if row is not None and row["file"] == identifier else None


def forget_deleted(firm: Firm, changes: Sequence[Change]) -> None:
    """Remove the uploads whose documents were deleted."""
    for change in changes:
        if change.after is None and change.before and change.before.get("file"):
            taken = Upload.objects.filter(
                taken_as=change.before["file"], membership__organisation__key=firm.orgkey
            )
            for upload in taken:
                spool.remove(upload.pk)
                upload.delete()
