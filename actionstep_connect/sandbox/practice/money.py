"""Time, costs and bills."""

from datetime import timedelta

from actionstep_connect.sandbox.practice.practice import LAST_DAY, Practice
from actionstep_connect.sandbox.practice.words import COSTS, WORK

TAX = 0.1


def fill(practice: Practice) -> None:
    firm = practice.firm
    for number in range(1, firm.time_records + 1):
        _time_record(practice, number)
    for number in range(1, firm.other_rows + 1):
        _time_entry(practice, number)
    for number in (*range(1, 3 * firm.actions + 1), 7630):
        _disbursement(practice, number)
    for number in range(1, 2 * firm.actions + 1):
        _bill(practice, number)


def _time_record(practice: Practice, number: int) -> None:
    # Oldest first, so that ids and days rise together.
    day = LAST_DAY - timedelta(days=(practice.firm.time_records - number) // 3)
    hours = practice.random.randrange(1, 31) / 10
    owner = practice.earner()
    practice.add(
        "timerecords",
        number,
        {
            "action": practice.pick("actions"),
            "activity": str(practice.random.randint(1, 4)),
            "createdBy": owner,
            "division": "1",
            "owner": owner,
            "rate": str(practice.random.randint(1, 4)),
            "task": None,
        },
        startTimestamp=practice.at(day, 9 + number % 8),
        actualHours=hours,
        billableHours=hours if practice.random.random() < 0.85 else 0,
        notes=practice.random.choice(WORK),
        createdTimestamp=practice.at(day, 17),
    )


def _time_entry(practice: Practice, number: int) -> None:
    random = practice.random
    task = str(number) if number % 3 == 0 else None
    action = practice.tables["tasks"][task]["links"]["action"] if task else practice.pick("actions")
    day = practice.day(number, practice.firm.other_rows, 400)
    hours = random.randrange(1, 31) / 10
    rate = random.randint(1, 4)
    price = practice.tables["rates"][str(rate)]["rate"]
    owner = practice.earner()
    is_billable = random.random() < 0.85
    practice.add(
        "timeentries",
        number,
        {
            "action": action,
            "createdBy": owner,
            "owner": owner,
            "phoneRecord": None,
            "quickCode": "298" if number % 5 == 0 else None,
            "rate": str(rate),
            "task": task,
            "utbmsActivityCode": "A106",
            "utbmsTaskCode": "L110",
            "utbmsTimekeeperCode": "TK01",
        },
        timestampDate=day.isoformat(),
        startTime=f"{9 + number % 8:02}:00:00",
        actualHours=hours,
        billableHours=hours if is_billable else 0,
        billableAmount=round(hours * price, 2) if is_billable else 0,
        billableAmountType="Calculated",
        billingBehavior="Bill" if is_billable else "No charge",
        isBillable="T" if is_billable else "F",
        description=random.choice(WORK),
        rateSource="Timekeeper",
        rateTimestamp=practice.at(day, 17),
        rateUnitPrice=price,
        createdTimestamp=practice.at(day, 17),
        timerStatus="Stopped",
        timerDurationSeconds=int(hours * 3600),
        timerStartedClientTimestamp=practice.at(day, 9 + number % 8),
    )


def _disbursement(practice: Practice, number: int) -> None:
    most = 3 * practice.firm.actions
    day = practice.day(min(number, most), most, 400)
    description, price = practice.random.choice(COSTS)
    practice.add(
        "disbursements",
        number,
        {
            "action": practice.pick("actions"),
            "enteredByParticipant": practice.earner(),
            "incomeAccount": "2",
            "taxCode": "1",
            "uom": "2",
        },
        date=day.isoformat(),
        description=description,
        quantity=1,
        unitPrice=price,
        unitPriceIncludesTax="F",
        enteredTimestamp=practice.at(day, 12, number % 60),
        importExternalReference=f"COST-{number}",
        utbmsExpenseCode="E101",
    )


def _bill(practice: Practice, number: int) -> None:
    day = practice.day(number, 2 * practice.firm.actions, 600)
    action = practice.pick("actions")
    [client] = practice.tables["actions"][action]["links"]["primaryParticipants"]
    exclusive = float(practice.random.randrange(3, 80) * 50)
    tax = round(exclusive * TAX, 2)
    status = practice.random.choice(("Draft", "Open", "Closed", "Closed"))
    paid = exclusive + tax if status == "Closed" else 0
    practice.add(
        "bills",
        number,
        {"action": [action], "division": "1", "theirParticipant": client},
        status=status,
        currency="AUD",
        invoiceDate=day.isoformat(),
        dueDate=(day + timedelta(days=14)).isoformat(),
        ourReference=f"INV{number:05}",
        theirReference=f"PO-{number}",
        totalExclusive=exclusive,
        totalSalesTax=tax,
        totalInclusive=exclusive + tax,
        totalPaid=paid,
        totalDue=exclusive + tax - paid,
        createdTimestamp=practice.at(day, 9, number % 60),
        modifiedTimestamp=practice.at(day + timedelta(days=2), 9, number % 60),
    )
