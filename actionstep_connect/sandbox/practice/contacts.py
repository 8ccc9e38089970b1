"""The firm's people and their clients."""

from actionstep_connect.sandbox.practice.lookups import CLIENT, OTHER_SIDE
from actionstep_connect.sandbox.practice.practice import Practice
from actionstep_connect.sandbox.practice.words import CITIES, FILES, FIRST, LAST, STREETS, TRADES

EXAMPLES = (1024, 7630, 41854, 845258)
"""Ids of contacts in the published documents."""

DIALING_CODE = 61


def fill(practice: Practice) -> None:
    staff = practice.staff
    for number, member in enumerate(staff, 1):
        first, last = member.name.split()
        email = f"{member.username}@{practice.firm.key}.example"
        _participant(practice, number, first, last, email=email, occupation="Lawyer")
        practice.add(
            "users",
            number,
            {"participant": str(number), "division": "1", "defaultRate": "2"},
            emailAddress=f"{member.username}@{member.firms[0]}.example",
            isActive="T",
            hasAuthority="T",
        )
    numbers = [*range(len(staff) + 1, practice.firm.participants + 1), *EXAMPLES]
    for number in numbers:
        _client(practice, number)
    _around(practice, numbers)
    for number, day in ((1, 40), (608, 7)):
        _task_template(practice, number, day)


def clients(practice: Practice) -> list[str]:
    """Return the contacts who do not work here."""
    return practice.keys("participants")[len(practice.staff) :]


def _client(practice: Practice, number: int) -> None:
    random = practice.random
    first, last = random.choice(FIRST), random.choice(LAST)
    email = f"{first}.{last}{number}@example.com".lower()
    company = f"{last} {random.choice(TRADES)} Ltd" if number % 4 == 0 else None
    _participant(practice, number, first, last, email=email, company=company)


def _participant(
    practice: Practice,
    number: int,
    first: str,
    last: str,
    *,
    email: str,
    company: str | None = None,
    occupation: str | None = None,
) -> None:
    random = practice.random
    address = f"{random.randint(1, 90)} {random.choice(STREETS)}"
    city = random.choice(CITIES)
    created = practice.day(min(number, 90), 90)
    practice.add(
        "participants",
        number,
        {"division": "1", "mailingCountry": "AU", "physicalCountry": "AU"},
        displayName=company or f"{first} {last}",
        isCompany="T" if company else "F",
        companyName=company,
        firstName=None if company else first,
        lastName=None if company else last,
        displayInitials=f"{first[0]}{last[0]}",
        salutation=None if company else first,
        preferredName=None if company else first,
        gender=None if company else "F" if first.endswith("a") else "M",
        genderTypeName=None if company else "Female" if first.endswith("a") else "Male",
        birthTimestamp=None if company else f"{1950 + number % 50}-0{1 + number % 9}-14",
        occupation=occupation,
        email=email,
        phone1Label="Business",
        phone1Country=DIALING_CODE,
        phone1Area=7,
        phone1Number=f"5550 {number:04}",
        phone2Label="Mobile",
        phone2Country=DIALING_CODE,
        phone2Number=f"0400 {number:06}",
        mailingAddressLine1=address,
        mailingCity=city,
        mailingPostCode="4000",
        mailingStateProvince="QLD",
        physicalAddressLine1=address,
        physicalCity=city,
        physicalPostCode="4000",
        physicalStateProvince="QLD",
        primaryLanguage="English",
        amlStatus="Signed off" if number % 3 else "In progress",
        amlRisk="Low",
        dateOfBirthStatus="Not stated" if company else "Known",
        createdTimestamp=created.isoformat(),
        modifiedTimestamp=practice.at(practice.day(min(number, 90), 90, 400), 14, number % 60),
    )


def _around(practice: Practice, numbers: list[int]) -> None:
    for participant in map(str, numbers):
        practice.add(
            "participantdefaulttypes",
            f"{participant}--{CLIENT}",
            {"participant": participant, "participantType": CLIENT},
        )
    for participant in map(str, numbers[::7]):
        practice.add(
            "participantdefaulttypes",
            f"{participant}--{OTHER_SIDE}",
            {"participant": participant, "participantType": OTHER_SIDE},
        )
    pairs = [*zip(numbers[:20:2], numbers[1:20:2], strict=True), (41854, 845258)]
    for child, parent in pairs:
        practice.add(
            "contactrelationships",
            f"Father-{child}-{parent}",
            {"fromContact": str(child), "toContact": str(parent)},
            relationship="Father",
        )
    for number in (*range(1, 121), 608):
        _note(practice, number)
    for number in (*range(1, 31), 7384):
        _folder(practice, number)
    for number in (*range(1, 61), 568):
        _document(practice, number)
    for number in (*range(1, 41), 5410):
        practice.add(
            "participantadditionalnotificationmethods",
            number,
            {"participant": practice.random.choice(clients(practice))},
            notificationMethod="E-Mail" if number % 2 else "SMS",
            address=f"alerts{number}@example.com" if number % 2 else f"0400 {number:06}",
            notes="Prefers this outside office hours.",
        )


def _note(practice: Practice, number: int) -> None:
    author = int(practice.earner())
    moment = practice.at(practice.day(min(number, 120), 120, 300), 10, number % 60)
    practice.add(
        "contactnotes",
        number,
        {"participant": practice.random.choice(clients(practice))},
        text="Prefers e-mail to telephone.",
        source="User",
        enteredBy=practice.staff[author - 1].name,
        enteredByParticipant=author,
        enteredTimestamp=moment,
        noteTimestamp=moment,
    )


def _folder(practice: Practice, number: int) -> None:
    owner = practice.random.choice(clients(practice))
    practice.add("contactfolders", number, {"participant": owner}, name="Identity documents")


def _document(practice: Practice, number: int) -> None:
    name, extension, kind = practice.random.choice(FILES)
    folder = practice.pick("contactfolders")
    owner = practice.tables["contactfolders"][folder]["links"]["participant"]
    created = practice.day(min(number, 60), 60, 300)
    practice.add(
        "contactdocuments",
        number,
        {"participant": owner, "folder": folder, "createdBy": practice.earner()},
        name=name,
        extension=extension,
        fileName=f"{owner}_{number}_{name.lower().replace(' ', '-')}{extension}",
        fileSize=2_000 + number * 37,
        fileType=kind,
        file=f"CD::Contacts::{owner}::{number}",
        status="uploaded",
        summary=f"{name} of contact {owner}",
        createdTimestamp=practice.at(created, 11, number % 60),
        modifiedTimestamp=practice.at(created, 15, number % 60),
    )


def _task_template(practice: Practice, number: int, days: int) -> None:
    practice.add(
        "tasktemplates",
        number,
        {
            "actionType": "7",
            "participantType": CLIENT,
            "defaultRate": "2",
            "template": "1",
            "activity": "1",
            "tag": "1",
        },
        stepNumber=1,
        taskName="Send client care letter",
        priority="Normal",
        dueDaysAhead=days,
        listOrder=1,
        estimatedHours=0.5,
        expectedDuration=1,
        expectedDurationUnits="Days",
        description="Sent when a matter opens",
    )
