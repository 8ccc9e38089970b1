from actionstep_connect.sandbox.models.directory import Access, Membership, Person
from actionstep_connect.sandbox.models.grants import AuthorizationCode, Grant, TokenPair
from actionstep_connect.sandbox.models.organisation import Organisation
from actionstep_connect.sandbox.models.practice import Action, FileNote, Participant, TimeRecord

__all__ = [
    "Access",
    "Action",
    "AuthorizationCode",
    "FileNote",
    "Grant",
    "Membership",
    "Organisation",
    "Participant",
    "Person",
    "TimeRecord",
    "TokenPair",
]
