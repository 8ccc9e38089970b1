"""Build the firms, and put everything back to the start."""

from django.db import transaction

from actionstep_connect.sandbox.models import (
    AuthorizationCode,
    Grant,
    Membership,
    Organisation,
    Person,
    Upload,
)
from actionstep_connect.sandbox.practice import contacts, custom_data, lookups, matters, money
from actionstep_connect.sandbox.practice.people import FIRMS, MEMBERS, Firm, staff_of
from actionstep_connect.sandbox.practice.practice import Practice
from actionstep_connect.sandbox.spool import spool
from actionstep_connect.sandbox.store import Firm as Rows
from actionstep_connect.sandbox.store import store
from actionstep_connect.sandbox.switchboard import switchboard

BUILDERS = (lookups.fill, contacts.fill, matters.fill, money.fill, custom_data.fill)


def open_firms() -> None:
    """Let people and rows be there; a database that was used before keeps what it has."""
    if not Organisation.objects.exists():
        _employ()
    store.open(lambda: {key: _rows(firm) for key, firm in FIRMS.items()})


def reset() -> None:
    """Put everything back to the start: the rows, the options, no user connected."""
    with switchboard.rotation, transaction.atomic():
        AuthorizationCode.objects.all().delete()
        Grant.objects.all().delete()
        if Upload.objects.exists():
            Upload.objects.all().delete()
            spool.clear()
        store.reset()
    switchboard.forget()


def _rows(firm: Firm) -> Rows:
    practice = Practice(firm)
    for build in BUILDERS:
        build(practice)
    return Rows(firm.key, firm.zone, practice.tables)


@transaction.atomic
def _employ() -> None:
    people = {
        member.username: Person.objects.create(
            username=member.username,
            name=member.name,
            email=f"{member.username}@{member.firms[0]}.example",
            description=member.description,
        )
        for member in MEMBERS
    }
    for firm in FIRMS.values():
        organisation = Organisation.objects.create(key=firm.key, name=firm.name)
        Membership.objects.bulk_create(
            Membership(
                person=people[member.username],
                organisation=organisation,
                number=number,
                participant=number,
                time_records=member.time_records,
                sees_restricted=member.sees_restricted,
                is_read_only=member.is_read_only,
            )
            for number, member in enumerate(staff_of(firm), 1)
        )
