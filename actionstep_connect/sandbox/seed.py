"""Two law firms, five people and a few hundred rows; the same ones every time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from django.db import transaction

from actionstep_connect.sandbox.models import (
    Access,
    Action,
    AuthorizationCode,
    FileNote,
    Grant,
    Membership,
    Organisation,
    Participant,
    Person,
    TimeRecord,
)
from actionstep_connect.sandbox.switchboard import switchboard

PASSWORD = "sandbox-password"  # noqa: S105 (printed on the sign-in page)
LAST_DAY = date(2026, 10, 30)

# fmt: off
FIRST = (
    "Ada", "Ben", "Chloe", "Dev", "Eve", "Finn", "Gita", "Hugo", "Iris", "Jack", "Kiri", "Leo",
    "Mina", "Noah", "Olga", "Pete",
)
LAST = (
    "Archer", "Bennett", "Chandra", "Doyle", "Egan", "Foster", "Grieve", "Hollis", "Ingram",
    "Jamieson", "Kaur",
)
TRADES = (
    "Timber", "Marine", "Orchard", "Freight", "Property", "Dental", "Cycle", "Bakery",
)
# fmt: on
MATTERS = (
    "Purchase of 14 {street}",
    "Sale of 3 {street}",
    "Estate of {last}",
    "{last} v {other}",
    "Lease of Unit 7, {street}",
    "{last} family trust",
    "Employment agreement: {last}",
    "{last} and {other}: separation",
)
STREETS = ("Harbour Road", "Queen Street", "Mill Lane", "Station Terrace", "Kauri Avenue")
WORK = (
    "Telephone attendance on client",
    "Reviewing sale and purchase agreement",
    "Drafting letter to other side",
    "Preparing affidavit",
    "Conference with counsel",
    "Perusing title and easements",
    "Settling the terms of the lease",
    "Attending settlement",
    "Research: limitation period",
    "E-mail to client with advice",
)
NOTES = (
    "Client called to confirm the settlement date.",
    "Signed authority received and scanned.",
    "Other side asks for two more weeks.",
    "Bank confirmed the loan documents are on their way.",
    "Left a message; will call back tomorrow.",
)


@dataclass(frozen=True)
class Firm:
    key: str
    name: str
    participants: int
    actions: int
    time_records: int
    file_notes: int


@dataclass(frozen=True)
class Member:
    username: str
    name: str
    description: str
    firms: tuple[str, ...]
    time_records: Access = Access.ALL
    is_read_only: bool = False


FIRMS = (
    Firm("acmelaw", "Acme Law", 60, 90, 480, 120),
    Firm("harbourlegal", "Harbour Legal", 30, 40, 160, 50),
)
MEMBERS = (
    Member(
        "priya", "Priya Nair", "partner; sees everything in both firms", ("acmelaw", "harbourlegal")
    ),
    Member("tom", "Tom Okafor", "associate; own time records only", ("acmelaw",), Access.OWN),
    Member("grace", "Grace Lindqvist", "receptionist; no time records", ("acmelaw",), Access.NONE),
    Member("marcus", "Marcus Bell", "principal; sees everything", ("harbourlegal",)),
    Member(
        "elena",
        "Elena Petrova",
        "paralegal; may read, not write",
        ("harbourlegal",),
        is_read_only=True,
    ),
)


def reset() -> None:
    """Put everything back to the start; rebuild the firms only if somebody wrote to them."""
    with switchboard.rotation, transaction.atomic():
        AuthorizationCode.objects.all().delete()
        Grant.objects.all().delete()
        if not switchboard.data_is_seed:
            _rebuild()
            switchboard.data_is_seed = True
    switchboard.forget()


def populate_if_empty() -> None:
    """Seed a new database; leave one that was used before as it is."""
    if not Organisation.objects.exists():
        reset()


@transaction.atomic
def _rebuild() -> None:
    Organisation.objects.all().delete()
    Person.objects.all().delete()
    people = {
        member.username: Person.objects.create(
            username=member.username,
            name=member.name,
            email=f"{member.username}@{member.firms[0]}.example",
            description=member.description,
        )
        for member in MEMBERS
    }
    for firm in FIRMS:
        _Builder(firm).build(people)


class _Builder:
    def __init__(self, firm: Firm) -> None:
        self.firm = firm
        self.random = Random(firm.key)  # noqa: S311 (believable, not secret)
        self.organisation = Organisation.objects.create(key=firm.key, name=firm.name)

    def build(self, people: dict[str, Person]) -> None:
        staff = [member for member in MEMBERS if self.firm.key in member.firms]
        participants = Participant.objects.bulk_create(
            [self._fee_earner(number, member) for number, member in enumerate(staff, 1)]
            + [self._client(number) for number in range(len(staff) + 1, self.firm.participants + 1)]
        )
        earners, clients = participants[: len(staff)], participants[len(staff) :]
        Membership.objects.bulk_create(
            Membership(
                person=people[member.username],
                organisation=self.organisation,
                participant=earner,
                number=number,
                time_records=member.time_records,
                is_read_only=member.is_read_only,
            )
            for number, (member, earner) in enumerate(zip(staff, earners, strict=True), 1)
        )
        actions = Action.objects.bulk_create(
            self._action(number, earners, clients) for number in range(1, self.firm.actions + 1)
        )
        TimeRecord.objects.bulk_create(
            self._time_record(number, actions, earners)
            for number in range(1, self.firm.time_records + 1)
        )
        FileNote.objects.bulk_create(
            self._file_note(number, actions, earners)
            for number in range(1, self.firm.file_notes + 1)
        )

    def _fee_earner(self, number: int, member: Member) -> Participant:
        first, last = member.name.split()
        return Participant(
            organisation=self.organisation,
            number=number,
            display_name=member.name,
            first_name=first,
            last_name=last,
            email=f"{member.username}@{self.firm.key}.example",
            phone=f"+64 9 555 {number:04}",
        )

    def _client(self, number: int) -> Participant:
        first, last = self.random.choice(FIRST), self.random.choice(LAST)
        is_company = number % 4 == 0
        company = f"{last} {self.random.choice(TRADES)} Ltd"
        return Participant(
            organisation=self.organisation,
            number=number,
            display_name=company if is_company else f"{first} {last}",
            is_company=is_company,
            first_name="" if is_company else first,
            last_name="" if is_company else last,
            email=f"{first}.{last}{number}@example.com".lower(),
            phone=f"+64 21 555 {number:04}",
        )

    def _action(
        self, number: int, earners: list[Participant], clients: list[Participant]
    ) -> Action:
        name = self.random.choice(MATTERS).format(
            street=self.random.choice(STREETS),
            last=self.random.choice(LAST),
            other=self.random.choice(LAST),
        )
        return Action(
            organisation=self.organisation,
            number=number,
            name=name,
            reference=f"{self.firm.key[:2].upper()}{number:05}",
            status=self.random.choice(("Active", "Active", "Active", "Inactive", "Closed")),
            opened_on=LAST_DAY - timedelta(days=self.random.randrange(900)),
            assigned_to=self.random.choice(earners),
            client=self.random.choice(clients),
        )

    def _time_record(
        self, number: int, actions: list[Action], earners: list[Participant]
    ) -> TimeRecord:
        # Oldest first, so that numbers and dates rise together.
        day = LAST_DAY - timedelta(days=(self.firm.time_records - number) // 3)
        return TimeRecord(
            organisation=self.organisation,
            number=number,
            entry_date=day,
            hours=Decimal(self.random.randrange(1, 31)) / 10,
            rate=Decimal(self.random.choice((180, 240, 320, 410))),
            description=self.random.choice(WORK),
            is_billable=self.random.random() < 0.85,
            created_at=datetime(day.year, day.month, day.day, 17, tzinfo=UTC),
            action=self.random.choice(actions),
            participant=self.random.choice(earners),
        )

    def _file_note(
        self, number: int, actions: list[Action], earners: list[Participant]
    ) -> FileNote:
        day = LAST_DAY - timedelta(days=self.firm.file_notes - number)
        return FileNote(
            organisation=self.organisation,
            number=number,
            text=self.random.choice(NOTES),
            entered_at=datetime(day.year, day.month, day.day, 11, number % 60, tzinfo=UTC),
            action=self.random.choice(actions),
            participant=self.random.choice(earners),
        )
