"""Matters, and what hangs on them: folders, documents, parties, notes, tasks, calls, e-mails."""

from datetime import timedelta

from actionstep_connect.sandbox.practice.contacts import clients
from actionstep_connect.sandbox.practice.lookups import ACTION_TYPES, CLIENT, OTHER_SIDE
from actionstep_connect.sandbox.practice.people import RESTRICTED
from actionstep_connect.sandbox.practice.practice import LAST_DAY, Practice
from actionstep_connect.sandbox.practice.words import FILES, LAST, NOTES, STREETS, TASKS

NAMES = {
    "Purchase": "Purchase of {number} {street}",
    "Sale": "Sale of {number} {street}",
    "Estate": "Estate of {last}",
    "Litigation": "{last} v {other}",
    "Lease": "Lease of Unit {number}, {street}",
    "Trust": "{last} family trust",
    "Employment": "Employment agreement: {last}",
    "Family": "{last} and {other}: separation",
}
EXAMPLES = (113, 1024)
"""Ids of matters in the published documents."""

STEPS = {str(number): len(steps) for number, _, steps in ACTION_TYPES}
EXAMPLE_SETTINGS = "1930"


def fill(practice: Practice) -> None:
    firm = practice.firm
    for number in (*range(1, firm.actions + 1), *EXAMPLES):
        _action(practice, number)
    practice.add(
        "actionparticipants",
        "1024--31--11",
        {"action": "1024", "participantType": CLIENT, "participant": "11"},
        participantNumber=2,
    )
    for number in (*range(1, 3 * firm.actions + 1), 1050):
        _folder(practice, number)
    for number in range(1, 4 * firm.actions + 1):
        _document(practice, number)
    for number in range(1, firm.other_rows + 1):
        _file_note(practice, number)
        _task(practice, number)
    for number in (*range(1, firm.actions * 2 + 1), 1176):
        _call(practice, number)
    for number in (*range(1, 11), 568):
        _workspace(practice, number)
    for number in range(1, firm.actions + 1):
        _email(practice, number)
    practice.add(
        "resthooks",
        608,
        eventName="ActionCreated",
        targetUrl="http://127.0.0.1:9/hooks?callback_id=12345",
        status="Disabled",
        triggeredCount=3,
        triggeredLastTimestamp=practice.at(LAST_DAY, 16),
    )


def _action(practice: Practice, number: int) -> None:
    random, firm = practice.random, practice.firm
    kind, name, steps = random.choice(ACTION_TYPES)
    client, other = random.sample(clients(practice), 2)
    opened = practice.day(min(number, firm.actions), firm.actions)
    status = random.choice(("Active", "Active", "Active", "Inactive", "Closed"))
    last, against = random.sample(LAST, 2)
    key = str(number)
    settings = EXAMPLE_SETTINGS if number == EXAMPLES[-1] else key
    practice.add(
        "actionbillsettings",
        settings,
        {"currency": "1", "defaultRate": str(random.randint(1, 4)), "salesTaxRate": "1"},
        billType="Hourly",
        defaultTimeEntryBehavior="Bill",
        discountType="None",
        isBillable="T",
        isSalesTaxEnabled="T",
        quotedAmount=float(random.randrange(5, 50) * 100),
        quotedAmountIncludes="Fees and costs",
        salesTaxAppliesTo="All",
        sendToEmailAddress=f"accounts{number}@example.com",
        utbmsTaskCategoryCode="L",
    )
    practice.add(
        "actions",
        number,
        {
            "actionType": str(kind),
            "assignedTo": practice.earner(),
            "billSettings": settings,
            "division": "1",
            "primaryParticipants": [client],
            "relatedActions": [str(number - 1)] if number % 10 == 5 else None,
            "step": f"{kind}--{random.randrange(len(steps))}",
        },
        name=NAMES[name].format(
            number=random.randint(1, 90), street=random.choice(STREETS), last=last, other=against
        ),
        reference=f"{firm.key[:2].upper()}{number:05}",
        status=status,
        statusTimestamp=practice.at(opened + timedelta(days=3), 12),
        priority=number % 3,
        amlReviewStatus="Complete" if number % 3 else "In progress",
        bannerText="Restricted" if key in RESTRICTED else None,
        importExternalReference=f"IMPORT-{number}",
        overrideBillingStatus="Closed" if status == "Closed" else "Active",
        createdTimestamp=opened.isoformat(),
        lastAccessTimestamp=practice.at(LAST_DAY, 9, number % 60),
        modifiedTimestamp=practice.at(LAST_DAY - timedelta(days=number % 200), 16, number % 60),
    )
    for participant_type, participant in ((CLIENT, client), (OTHER_SIDE, other)):
        practice.add(
            "actionparticipants",
            f"{key}--{participant_type}--{participant}",
            {"action": key, "participantType": participant_type, "participant": participant},
            participantNumber=1,
        )


def _folder(practice: Practice, number: int) -> None:
    is_example = number > 3 * practice.firm.actions
    action = str(EXAMPLES[-1] if is_example else (number - 1) // 3 + 1)
    names = ("Correspondence", "Court", "Drafts")
    parent = str(number - 1) if number % 3 == 0 and not is_example else None
    practice.add(
        "actionfolders",
        number,
        {"action": action, "parentFolder": parent},
        name=names[number % 3],
    )


def _document(practice: Practice, number: int) -> None:
    name, extension, kind = practice.random.choice(FILES)
    folder = str((number * 7) % (3 * practice.firm.actions) + 1)
    action = practice.tables["actionfolders"][folder]["links"]["action"]
    day = practice.day(number, 4 * practice.firm.actions)
    practice.add(
        "actiondocuments",
        number,
        {
            "action": action,
            "folder": folder,
            "createdBy": practice.earner(),
            "documentTemplate": "1" if name == "Client care letter" else None,
            "tags": [str(number % 4 + 1)] if number % 5 == 0 else [],
        },
        name=name,
        modifiedTimestamp=practice.at(day, 15, number % 60),
        status="uploaded",
        summary=f"{name} in matter {action}",
        fileType=kind,
        fileSize=1_500 + number * 41,
        extension=extension,
        fileName=f"{action}_{day:%Y%m%d}_{name.lower().replace(' ', '-')}{extension}",
        file=f"DL::Actions::{action}::{number}",
    )


def _file_note(practice: Practice, number: int) -> None:
    author = practice.earner()
    most = practice.firm.other_rows
    moment = practice.at(practice.day(number, most, 400), 11, number % 60)
    is_system = number % 9 == 0
    practice.add(
        "filenotes",
        number,
        {
            "action": practice.pick("actions"),
            "document": str(number) if number % 10 == 0 and number < 160 else None,
            "participant": author,
            "tags": [str(number % 4 + 1)] if number % 6 == 0 else [],
        },
        text="Step changed." if is_system else practice.random.choice(NOTES),
        source="System" if is_system else "User",
        enteredBy=practice.staff[int(author) - 1].name,
        enteredTimestamp=moment,
        noteTimestamp=moment,
    )


def _task(practice: Practice, number: int) -> None:
    most = practice.firm.other_rows
    due = practice.day(number, most, 400)
    status = practice.random.choice(("Incomplete", "Incomplete", "Complete", "Complete", "Hidden"))
    is_complete = status == "Complete"
    practice.add(
        "tasks",
        number,
        {
            "action": practice.pick("actions"),
            "assignee": practice.earner(),
            "rate": "2",
            "template": "1" if number % 8 == 0 else None,
        },
        name=practice.random.choice(TASKS),
        description="Follows the firm's checklist.",
        status=status,
        priority=practice.random.choice(("Low", "Normal", "Normal", "High")),
        assignedBy=practice.staff[0].name,
        actualHours=0.5 if is_complete else 0,
        billableHours=0.5 if is_complete else 0,
        dueTimestamp=practice.at(due, 17),
        startedTimestamp=practice.at(due - timedelta(days=5), 9),
        completedTimestamp=practice.at(due - timedelta(days=1), 16) if is_complete else None,
        lastModifiedTimestamp=practice.at(due - timedelta(days=1), 16, number % 60),
        expectedDurationUnits="Days",
        expectedDurationValue=1,
    )


def _call(practice: Practice, number: int) -> None:
    most = practice.firm.actions * 2
    day = practice.day(min(number, most), most, 300)
    is_incoming = number % 2 == 0
    earner, client = practice.earner(), practice.random.choice(clients(practice))
    practice.add(
        "phonerecords",
        number,
        {
            "action": practice.pick("actions"),
            "fromParticipant": client if is_incoming else earner,
            "toParticipant": earner if is_incoming else client,
        },
        direction="in" if is_incoming else "out",
        callTimestamp=practice.at(day, 10, number % 60),
        actualHours=0.1,
        outcome="Answered" if number % 3 else "Left a message",
        phoneNumber=f"0400 {number:06}",
        phoneNumberType="Mobile",
        notes=practice.random.choice(NOTES),
    )


def _workspace(practice: Practice, number: int) -> None:
    action = str(number) if number < 568 else str(EXAMPLES[-1])
    practice.add(
        "actionnetdocssettings",
        number,
        {"action": action, "participant": practice.random.choice(clients(practice))},
        workspaceIdentifier=f"WS-{number}",
        parentWorkspaceIdentifier="WS",
        workspaceEnvId="ENV-1",
        workspaceFolderJson="[]",
        workspaceFolderLastUpdatedTimestamp=practice.at(LAST_DAY, 8),
    )


def _email(practice: Practice, number: int) -> None:
    action = str(number)
    if action in RESTRICTED:
        # An e-mail does not say which matter it belongs to.
        return
    moment = practice.at(practice.day(number, practice.firm.actions, 300), 9, number % 60)
    author = practice.earner()
    address = practice.tables["participants"][author]["email"]
    practice.add(
        "emails",
        number,
        {"createdBy": author, "parent": None},
        direction="O",
        status="Sent",
        uniqueMessageId=f"<{number}@{practice.firm.key}.example>",
        subject="Your matter",
        bodyText="Dear client, please find our letter attached.",
        bodyHtml="<p>Dear client, please find our letter attached.</p>",
        createdTimestamp=moment,
        sentTimestamp=moment,
        priority="Normal",
        sensitivity="Normal",
        attachmentCount=1,
        emailSize=4_096,
        size=4_096,
        recipients=f"client{number}@example.com",
        to=f"client{number}@example.com",
        **{"from": address},
    )
    practice.add("emailassociations", number, {"email": action, "action": action})
    practice.add(
        "emailattachments",
        number,
        {"email": action},
        contentDisposition="attachment",
        displayName="letter.pdf",
        attachmentSize=2_048,
        file=f"EM::Emails::{number}::1",
    )
