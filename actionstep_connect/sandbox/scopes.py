"""What each scope means, in the words of the consent page."""

import re

SCOPE_NAME = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")
"""RFC 6749, section 3.3. The list of names is not closed, so any well-formed one is accepted."""

IN_WORDS = {
    "all": "All data in your Actionstep system",
    "openid": "Confirm who you are",
    "actions": "Matters (actions)",
    "actionparticipants": "The parties of each matter",
    "actiondocuments": "Documents of matters",
    "actionfolders": "Folders of matters",
    "actiontypes": "Matter types",
    "bills": "Bills",
    "datacollections": "Data collections",
    "disbursements": "Disbursements",
    "emails": "E-mails",
    "filenotes": "File notes",
    "files": "Files",
    "participants": "Contacts (participants)",
    "phonerecords": "Phone records",
    "resthooks": "Notifications to other systems (REST hooks)",
    "tasks": "Tasks",
    "timeentries": "Time entries",
    "timerecords": "Time records",
    "users": "Users of your Actionstep system",
}


def in_words(scope: str) -> str:
    return IN_WORDS.get(scope, f"Records of the kind “{scope}”")


def split(scopes: str) -> list[str]:
    """Return the names in order, each once."""
    return list(dict.fromkeys(scopes.split()))


def grants(scopes: str, resource: str) -> bool:
    granted = scopes.split()
    return "all" in granted or resource in granted
