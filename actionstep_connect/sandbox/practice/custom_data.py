"""Custom data: collections of fields that hang on a type of matter, and their values."""

from datetime import timedelta

from actionstep_connect.sandbox.practice.practice import LAST_DAY, Practice

Field = tuple[str, str, str]

COLLECTIONS: tuple[tuple[int, str, str, str, tuple[Field, ...]], ...] = (
    (
        100,
        "Contract",
        "7",
        "F",
        (("ContractDate", "Date", "Contract date"), ("Price", "Money", "Purchase price")),
    ),
    (
        230,
        "Vehicle",
        "13",
        "T",
        (("CarColor", "DropDown", "Colour"), ("Plate", "Str255", "Number plate")),
    ),
    (
        608,
        "Engagement",
        "10",
        "F",
        (("LiveSign", "Number", "Signatures"), ("Note", "TextArea", "Note")),
    ),
)
CHOICES = ("Red", "Blue", "Green")
VALUES = {
    "ContractDate": "2026-08-14",
    "Price": "640000.00",
    "CarColor": "Red",
    "Plate": "123 ABC",
    "LiveSign": "2",
    "Note": "Engaged by telephone.",
}


def fill(practice: Practice) -> None:
    for number, name, kind, is_multiple, fields in COLLECTIONS:
        collection = practice.add(
            "datacollections",
            number,
            {"actionType": kind},
            name=name,
            label=name,
            description=f"{name} details",
            multipleRecords=is_multiple,
            order=number,
        )
        for order, field in enumerate(fields, 1):
            _field(practice, collection, order, field)
    for order, name in enumerate(CHOICES, 1):
        practice.add(
            "datacollectionfielddropdownchoices",
            f"230--CarColor--{name}",
            {"dataCollection": "230", "dataField": "230--CarColor"},
            name=name,
            value=name,
            listOrder=order,
            isDefault="T" if order == 1 else "F",
        )
    for number in (*range(1, practice.firm.other_rows // 2 + 1), 608):
        _record(practice, number)


def _field(practice: Practice, collection: str, order: int, field: Field) -> None:
    name, kind, label = field
    practice.add(
        "datacollectionfields",
        f"{collection}--{name}",
        {"dataCollection": collection, "tag": None},
        name=name,
        label=label,
        description=f"{label} as the client gave it",
        dataType=kind,
        formOrder=order,
        listOrder=order,
        customHtmlAbove="",
        customHtmlBelow="",
    )


def _record(practice: Practice, number: int) -> None:
    collection, _, _, _, fields = COLLECTIONS[number % len(COLLECTIONS)]
    action = practice.pick("actions")
    record = practice.add(
        "datacollectionrecords",
        number,
        {"action": action, "dataCollection": str(collection)},
        canDelete="T",
        canWrite="T",
    )
    author = practice.random.randint(1, len(practice.staff))
    moment = practice.at(LAST_DAY - timedelta(days=number % 300), 13, number % 60)
    for name, _, _ in fields:
        field = f"{collection}--{name}"
        practice.add(
            "datacollectionrecordvalues",
            f"{field}--{record}",
            {
                "action": action,
                "dataCollection": str(collection),
                "dataCollectionField": field,
                "dataCollectionRecord": record,
            },
            stringValue=VALUES[name],
            last_modified_by_user_id=author,
            last_modified_time_stamp=moment,
        )
