from actionstep_connect.sandbox.models.changes import ChangedRow
from actionstep_connect.sandbox.models.directory import Access, Membership, Person
from actionstep_connect.sandbox.models.grants import AuthorizationCode, Grant, TokenPair
from actionstep_connect.sandbox.models.hooks import HookOwner
from actionstep_connect.sandbox.models.organisation import Organisation
from actionstep_connect.sandbox.models.uploads import Upload

__all__ = [
    "Access",
    "AuthorizationCode",
    "ChangedRow",
    "Grant",
    "HookOwner",
    "Membership",
    "Organisation",
    "Person",
    "TokenPair",
    "Upload",
]
