"""Words that rows are made of."""

# fmt: off
FIRST = (
    "Ada", "Ben", "Chloe", "Dev", "Eve", "Finn", "Gita", "Hugo", "Iris", "Jack", "Kiri", "Leo",
    "Mina", "Noah", "Olga", "Pete",
)
LAST = (
    "Archer", "Bennett", "Chandra", "Doyle", "Egan", "Foster", "Grieve", "Hollis", "Ingram",
    "Jamieson", "Kaur",
)
TRADES = ("Timber", "Marine", "Orchard", "Freight", "Property", "Dental", "Cycle", "Bakery")
CITIES = ("Brisbane", "Toowoomba", "Cairns", "Perth", "Fremantle")
# fmt: on
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
    "Draft lease sent to the client for comment.",
)
TASKS = (
    "Send client care letter",
    "Order title search",
    "Check identity documents",
    "Draft statement of claim",
    "Book settlement",
    "Diary limitation date",
    "Call the bank",
)
COSTS = (
    ("Title search", 28.5),
    ("Registration fee", 80.0),
    ("Courier", 14.0),
    ("Court filing fee", 240.0),
    ("Valuation", 650.0),
)
FILES = (
    ("Client care letter", ".docx", "application/msword"),
    ("Draft agreement", ".pdf", "application/pdf"),
    ("Title search", ".pdf", "application/pdf"),
    ("Attendance note", ".txt", "text/plain"),
    ("Settlement statement", ".xlsx", "application/vnd.ms-excel"),
)
