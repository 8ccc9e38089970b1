"""What a firm sets up once: types, steps, rates, codes and the lists that forms offer."""

from actionstep_connect.sandbox.practice.people import Firm
from actionstep_connect.sandbox.practice.practice import LAST_DAY, Practice

COUNTRIES = (
    ("AU", "Australia", "61", "AUD"),
    ("GB", "United Kingdom", "44", "GBP"),
    ("NZ", "New Zealand", "64", "NZD"),
    ("US", "United States", "1", "USD"),
)
CURRENCIES = (("Australian dollar", "$"), ("New Zealand dollar", "$"))
UNITS = (("h", "hour", "hours", "Time"), ("ea", "each", "each", "Quantity"))
TAXES = (("GST", "Goods and services tax", 10.0), ("FRE", "GST-free", 0.0))
ACCOUNTS = (("4100", "Professional fees"), ("4200", "Disbursements recovered"))
RATES = (("Junior", 180.0), ("Associate", 240.0), ("Senior", 320.0), ("Partner", 410.0))
TAGS = ("Urgent", "Court", "Property", "Identity")
ACTIVITIES = ("Attendance", "Drafting", "Research", "Court")

PARTICIPANT_TYPES = (
    (27, "Solicitor", "Solicitor"),
    (31, "Client", "Client"),
    (54, "Other_Side", "Other side"),
    (60, "Purchasers_Conveyancer", "Purchaser's conveyancer"),
)
CLIENT, OTHER_SIDE = "31", "54"

ACTION_TYPES = (
    (7, "Purchase", ("Enquiry", "Contract", "Settlement", "Closed")),
    (8, "Sale", ("Enquiry", "Contract", "Settlement", "Closed")),
    (9, "Estate", ("Instructions", "Probate", "Distribution")),
    (10, "Litigation", ("Pleadings", "Disclosure", "Trial", "Enforcement")),
    (11, "Lease", ("Terms", "Drafting", "Signed")),
    (12, "Trust", ("Instructions", "Deed signed")),
    (13, "Employment", ("Advice", "Mediation", "Closed")),
    (14, "Family", ("Advice", "Negotiation", "Orders")),
)
LANGUAGES = ("English", "Hindi", "Mandarin", "Samoan")
CULTURES = ("Aboriginal", "Australian", "Indian", "Māori", "Torres Strait Islander")
DISABILITIES = ("None", "Hearing", "Mobility", "Vision")
GENDERS = (
    ("Female", "Female"),
    ("Male", "Male"),
    ("Non-binary", "Neutral"),
    ("Transgender", "Neutral"),
)
RELATIONSHIPS = (
    ("IndividualToIndividual", "Acquaintance"),
    ("IndividualToIndividual", "Father"),
    ("IndividualToIndividual", "Sister"),
    ("IndividualToCompany", "Director"),
    ("CompanyToIndividual", "Employer"),
    ("CompanyToCompany", "Subsidiary"),
)
UTBMS = (
    ("A100", "A", "Activities", None),
    ("A101", "A", "Plan and prepare for", "A100"),
    ("A103", "A", "Draft or revise", "A100"),
    ("A106", "A", "Communicate with client", "A100"),
    ("L100", "L", "Case assessment", None),
    ("L110", "L", "Fact investigation", "L100"),
    ("TK01", "T", "Partner", None),
    ("E101", "E", "Copying", None),
)
QUICK_CODES = ((298, "TC", "Telephone call"), (299, "EM", "E-mail"), (300, "LT", "Letter"))


def fill(practice: Practice) -> None:
    _money(practice)
    _people(practice)
    _matter_types(practice)
    _codes(practice)
    _divisions(practice, practice.firm)


def _money(practice: Practice) -> None:
    for key, name, dialing, currency in COUNTRIES:
        practice.add("countries", key, name=name, dialingCode=dialing, currencyCode=currency)
    for number, (name, symbol) in enumerate(CURRENCIES, 1):
        practice.add("currencies", number, name=name, symbol=symbol)
    for number, (symbol, one, many, category) in enumerate(UNITS, 1):
        practice.add(
            "units",
            number,
            symbol=symbol,
            nameSingular=one,
            namePlural=many,
            description=one.capitalize(),
            category=category,
            defaultSortOrder=number,
        )
    for number, (code, description, percentage) in enumerate(TAXES, 1):
        practice.add(
            "taxcodes",
            number,
            code=code,
            description=description,
            percentage=percentage,
            sortOrder=number,
            effectiveFrom="2000-07-01",
        )
    for number, (code, name) in enumerate(ACCOUNTS, 1):
        practice.add(
            "accounts",
            number,
            {"currency": "1", "taxcode": "1"},
            accountNumber=code,
            name=name,
            active="T",
            preferenceOrder=number,
        )
    for number, (name, rate) in enumerate(RATES, 1):
        practice.add(
            "rates",
            number,
            {"unit": "1"},
            name=name,
            rate=rate,
            costRate=rate / 2,
            isActive="T",
        )


def _people(practice: Practice) -> None:
    for number, name, display_name in PARTICIPANT_TYPES:
        practice.add(
            "participanttypes",
            number,
            name=name,
            displayName=display_name,
            description=f"{display_name} in a matter",
            isBaseParticipantType="T" if name == "Client" else "F",
        )
    for name in LANGUAGES:
        practice.add("primarylanguage", name, language=name)
    for name in CULTURES:
        practice.add("culturalidentity", name, identity=name)
    for name in DISABILITIES:
        practice.add("disabilitystatus", name, status=name)
    for name, pronoun in GENDERS:
        practice.add("gendertypes", name, genderTypeName=name, pronounType=pronoun)
    for category, name in RELATIONSHIPS:
        practice.add(
            "participantrelationshiptypes",
            f"{category}--{name}",
            category=category,
            relationshipType=name,
        )
    for number, name in (
        (636, "Occupation details"),
        (637, "Preferred colour"),
        (7384, "Referrer"),
    ):
        practice.add(
            "participanttypedatafields",
            number,
            {"participantType": CLIENT, "tag": None},
            name=name.title().replace(" ", ""),
            label=name,
            description=f"{name} of a client",
            dataType="DropDown" if number == 637 else "Str255",
            formOrder=number - 635 if number < 700 else 3,
        )
    for order, name in enumerate(("Colour", "Monochrome"), 1):
        practice.add(
            "participantdatafielddropdownchoices",
            f"637--{name}",
            {"participantDataField": "637", "participantType": CLIENT},
            name=name,
            value=name,
            listOrder=order,
            isDefault="T" if order == 1 else "F",
        )


def _matter_types(practice: Practice) -> None:
    for number, name in enumerate(TAGS, 1):
        practice.add("tags", number, name=name, description=f"{name} matters")
    node = 0
    for number, name, steps in ACTION_TYPES:
        kind = practice.add(
            "actiontypes",
            number,
            {"primaryParticipantType": CLIENT},
            name=name,
            description=f"{name} matters",
        )
        for order, step in enumerate(steps):
            node += 1
            practice.add(
                "steps",
                f"{kind}--{order}",
                {"actionType": kind, "assignToParticipantType": None},
                stepNumber=str(order),
                stepName=step,
                description=f"{step} of a {name.lower()} matter",
                actionStatus="Active" if step != "Closed" else "Closed",
            )
            practice.add(
                "nodes",
                node,
                {"actionType": kind, "parent": str(node - 1) if order else None},
                stepNumber=order,
                isActive="T",
                weight=order,
            )
        for participant_type in (CLIENT, OTHER_SIDE):
            practice.add(
                "actiontypeparticipanttypes",
                f"{kind}--{participant_type}",
                {"participantType": participant_type},
                actionType=number,
                isPrimaryParticipantType="T" if participant_type == CLIENT else "F",
                required="T" if participant_type == CLIENT else "F",
            )


def _codes(practice: Practice) -> None:
    for code, category, description, parent in UTBMS:
        practice.add(
            "utbmscodes",
            code,
            categoryCode=category,
            description=description,
            enabled="T",
            parentUtbmsCode=parent,
        )
    for number, code, description in QUICK_CODES:
        practice.add(
            "quickcodes",
            number,
            {"rate": "2"},
            quickCode=code,
            description=description,
            useForTimeEntry="T",
            useForTasks="T",
        )
    for number, name in enumerate(ACTIVITIES, 1):
        practice.add(
            "timerecordactivities",
            number,
            {"divisions": ["1"]},
            name=name,
            description=f"{name} on a matter",
            group="Billable",
        )


def _divisions(practice: Practice, firm: Firm) -> None:
    practice.add(
        "divisions",
        1,
        {"participant": "1", "parent": None},
        timezoneName=firm.zone_name,
        timezoneOffset=int(firm.zone.utcoffset(None).total_seconds()) // 60,
        isActive="T",
        taxMonths=3,
        taxAccountingMethod="Accrual",
        openingBalanceTimestamp="2020-07-01",
        emailSignature=firm.name,
    )
    practice.add(
        "documenttemplates",
        1,
        {"actionType": "7", "createdBy": "1", "modifiedBy": "1"},
        name="Client care letter",
        description="Sent when a matter opens",
        fileName="client-care-letter.docx",
        directory="templates",
        fileSize=18_400,
        createdTimestamp=practice.at(LAST_DAY, 9),
        modifiedTimestamp=practice.at(LAST_DAY, 9),
        documentIdentifier="CCL",
        currentVersion=1,
        installedVersion=1,
    )
