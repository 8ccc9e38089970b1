"""Scopes, as users read them."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

#: Actionstep's list is not closed: a name that is not here is shown as it is.
SCOPES: dict[str, Text] = {
    "AsCommon": _("Your name and time zone, and the name of your firm"),
    "accounts": _("Accounts"),
    "actionbillsettings": _("Matter billing settings"),
    "actionchangestep": _("Change matter steps"),
    "actioncreate": _("Create matters"),
    "actiondocuments": _("Matter documents"),
    "actionfolders": _("Matter document folders"),
    "actionparticipants": _("Matter participants"),
    "actions": _("Matters"),
    "actiontypeparticipanttypes": _("Party types for each matter type"),
    "actiontypes": _("Matter types"),
    "all": _("Everything you can see in Actionstep"),
    "bills": _("Bills"),
    "contactdocuments": _("Contact documents"),
    "contactfolders": _("Contact document folders"),
    "contactnotes": _("Contact notes"),
    "contactrelationships": _("Contact relationships"),
    "datacollectionfields": _("Custom data fields"),
    "datacollectionrecords": _("Custom data records"),
    "datacollectionrecordvalues": _("Custom data values"),
    "datacollections": _("Custom data"),
    "disbursements": _("Disbursements"),
    "divisions": _("Divisions of your firm"),
    "emailassociations": _("Email filing"),
    "emailattachments": _("Email attachments"),
    "emails": _("Emails"),
    "filenotes": _("File notes"),
    "files": _("Files"),
    "openid": _("Your identity in Actionstep"),
    "participantdefaulttypes": _("Default contact roles"),
    "participantrelationshiptypes": _("Contact relationship types"),
    "participants": _("Contacts and other parties"),
    "participanttypes": _("Contact roles"),
    "phonerecords": _("Phone call records"),
    "quickcodes": _("Quick codes"),
    "resthooks": _("Change notifications (webhooks)"),
    "steps": _("Matter steps"),
    "tasks": _("Tasks"),
    "timeentries": _("Time entries"),
    "timerecords": _("Time records"),
    "users": _("Users of your firm"),
    "utbmscodes": _("UTBMS codes"),
}


class Scope(NamedTuple):
    """One scope as a person reads it; `is_new` if the connection did not have it before."""

    name: str
    label: Text
    is_new: bool = False


def describe_scope(name: str, *, is_new: bool = False, is_named_by_site: bool = True) -> Scope:
    """Describe `name`; if it is unknown, show it only where this site names it, not only an address."""
    label = SCOPES.get(name) or (
        name if is_named_by_site else _("Other access, which Actionstep will describe")
    )
    return Scope(name=name, label=label, is_new=is_new)
