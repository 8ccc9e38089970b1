"""The rows of the resources that Actionstep publishes, as types.

Written by scripts/make_rows.py from the facts of the sandbox; do not edit.
"""

# A name and `include` or `convert` fit several signatures, of which the first counts.
# mypy: disable-error-code="overload-overlap"
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any, Literal, TypedDict, overload

from actionstep_connect.client.answers import Row
from actionstep_connect.client.changes import AsyncChanges, Changes
from actionstep_connect.client.conversation import AsyncConversing, Conversing
from actionstep_connect.client.linked import LinkedRow


class AccountsLinks(TypedDict):
    """What a row of `accounts` is linked to."""

    currency: str | None
    incomeAccount: str | None
    parentAccount: str | None
    taxcode: str | None


class AccountsRow(TypedDict):
    """A row of Actionstep's `accounts`."""

    accountNumber: str | None
    actionEntriesOnly: Literal["T", "F"] | None
    active: Literal["T", "F"] | None
    cashflowSection: str | None
    header: Literal["T", "F"] | None
    id: int
    name: str | None
    naturalAllocationType: str | None
    preferenceOrder: int | None
    links: AccountsLinks


class ActionbillsettingsLinks(TypedDict):
    """What a row of `actionbillsettings` is linked to."""

    currency: str | None
    defaultRate: str | None
    salesTaxRate: str | None


class ActionbillsettingsRow(TypedDict):
    """A row of Actionstep's `actionbillsettings`."""

    billType: Literal["Hourly", "Fixed fee"] | None
    defaultTimeEntryBehavior: Literal["Bill", "Hide", "No Charge"] | None
    discountAmount: float | None
    discountType: Literal["Amount", "Percentage", "None"] | None
    id: int
    isBillable: Literal["T", "F"] | None
    isSalesTaxEnabled: Literal["T", "F"] | None
    isUtbmsEnabled: Literal["T", "F"] | None
    quotedAmount: float | None
    quotedAmountIncludes: Literal["Fees", "Costs", "Fees and costs"] | None
    salesTaxAppliesTo: Literal["Fees", "Expenses", "All"] | None
    sendToEmailAddress: str | None
    utbmsTaskCategoryCode: str | None
    links: ActionbillsettingsLinks


class ActiondocumentsLinks(TypedDict):
    """What a row of `actiondocuments` is linked to."""

    action: str | None
    checkedOutBy: str | None
    createdBy: str | None
    documentTemplate: str | None
    folder: str | None
    tags: list[str]


class ActiondocumentsRow(TypedDict):
    """A row of Actionstep's `actiondocuments`."""

    checkedOutEtaTimestamp: str | None
    checkedOutTimestamp: str | None
    checkedOutTo: str | None
    extension: str | None
    file: str
    fileName: str | None
    fileSize: int | None
    fileType: str | None
    id: int
    isDeleted: Literal["T", "F"] | None
    keywords: str | None
    modifiedTimestamp: str | None
    name: str
    sharepointUrl: str | None
    status: str | None
    summary: str | None
    links: ActiondocumentsLinks


class ActionfoldersLinks(TypedDict):
    """What a row of `actionfolders` is linked to."""

    action: str | None
    parentFolder: str | None


class ActionfoldersRow(TypedDict):
    """A row of Actionstep's `actionfolders`."""

    id: int
    name: str | None
    links: ActionfoldersLinks


class ActionnetdocssettingsLinks(TypedDict):
    """What a row of `actionnetdocssettings` is linked to."""

    action: str | None
    participant: str | None


class ActionnetdocssettingsRow(TypedDict):
    """A row of Actionstep's `actionnetdocssettings`."""

    id: int
    parentWorkspaceIdentifier: str | None
    workspaceEnvId: str | None
    workspaceFolderJson: str | None
    workspaceFolderLastUpdatedTimestamp: str | None
    workspaceIdentifier: str | None
    links: ActionnetdocssettingsLinks


class ActionparticipantsLinks(TypedDict):
    """What a row of `actionparticipants` is linked to."""

    action: str | None
    participant: str | None
    participantType: str | None


class ActionparticipantsRow(TypedDict):
    """A row of Actionstep's `actionparticipants`."""

    id: str
    participantNumber: int | None
    links: ActionparticipantsLinks


class ActionsLinks(TypedDict):
    """What a row of `actions` is linked to."""

    actionType: str | None
    assignedTo: str | None
    billSettings: str | None
    division: str | None
    primaryParticipants: list[str] | None
    relatedActions: list[str] | None
    step: str | None


class ActionsRow(TypedDict):
    """A row of Actionstep's `actions`."""

    amlReviewStatus: (
        Literal["Not required", "Not started", "In progress", "Complete", "Delayed", "None"] | None
    )
    bannerText: str | None
    createdTimestamp: str | None
    deletedBy: str | None
    deletedTimestamp: str | None
    id: int
    importExternalReference: str | None
    isBillableOverride: Literal["T", "F"] | None
    isDeleted: Literal["T", "F"] | None
    isFavorite: Literal["T", "F"] | None
    lastAccessTimestamp: str | None
    modifiedTimestamp: str | None
    name: str | None
    overrideBillingStatus: Literal["Active", "Closed"] | None
    priority: int | None
    reference: str | None
    status: Literal["Active", "Inactive", "Template", "Closed"] | None
    statusTimestamp: str | None
    links: ActionsLinks


class ActiontypeparticipanttypesLinks(TypedDict):
    """What a row of `actiontypeparticipanttypes` is linked to."""

    participantType: str | None


class ActiontypeparticipanttypesRow(TypedDict):
    """A row of Actionstep's `actiontypeparticipanttypes`."""

    actionType: int | None
    id: str
    isPrimaryParticipantType: Literal["T", "F"] | None
    required: Literal["T", "F"] | None
    links: ActiontypeparticipanttypesLinks


class ActiontypesLinks(TypedDict):
    """What a row of `actiontypes` is linked to."""

    primaryParticipantType: str | None


class ActiontypesRow(TypedDict):
    """A row of Actionstep's `actiontypes`."""

    description: str | None
    id: int
    name: str | None
    links: ActiontypesLinks


class BillsLinks(TypedDict):
    """What a row of `bills` is linked to."""

    action: list[str]
    division: str | None
    theirParticipant: str | None


class BillsRow(TypedDict):
    """A row of Actionstep's `bills`."""

    createdTimestamp: str | None
    currency: str | None
    deletedTimestamp: str | None
    dueDate: str | None
    id: int
    invoiceDate: str | None
    modifiedTimestamp: str | None
    ourReference: str | None
    status: Literal["Draft", "Open", "Closed", "Deleted"] | None
    theirReference: str | None
    totalDue: float | None
    totalExclusive: float | None
    totalInclusive: float | None
    totalPaid: float | None
    totalSalesTax: float | None
    links: BillsLinks


class ContactdocumentsLinks(TypedDict):
    """What a row of `contactdocuments` is linked to."""

    createdBy: str | None
    folder: str | None
    participant: str | None


class ContactdocumentsRow(TypedDict):
    """A row of Actionstep's `contactdocuments`."""

    createdTimestamp: str | None
    extension: str | None
    file: str
    fileName: str | None
    fileSize: int | None
    fileType: str | None
    id: int
    keywords: str | None
    modifiedTimestamp: str | None
    name: str | None
    sharepointUrl: str | None
    status: Literal["pending", "generated", "uploaded"] | None
    summary: str | None
    links: ContactdocumentsLinks


class ContactfoldersLinks(TypedDict):
    """What a row of `contactfolders` is linked to."""

    parentFolder: str | None
    participant: str | None


class ContactfoldersRow(TypedDict):
    """A row of Actionstep's `contactfolders`."""

    id: int
    name: str
    links: ContactfoldersLinks


class ContactnotesLinks(TypedDict):
    """What a row of `contactnotes` is linked to."""

    participant: str | None


class ContactnotesRow(TypedDict):
    """A row of Actionstep's `contactnotes`."""

    enteredBy: str | None
    enteredByParticipant: int | None
    enteredTimestamp: str | None
    id: int
    noteTimestamp: str | None
    source: Literal["System", "User"] | None
    text: str
    links: ContactnotesLinks


class ContactrelationshipsLinks(TypedDict):
    """What a row of `contactrelationships` is linked to."""

    fromContact: str | None
    toContact: str | None


class ContactrelationshipsRow(TypedDict):
    """A row of Actionstep's `contactrelationships`."""

    id: str
    relationship: str
    links: ContactrelationshipsLinks


class CountriesRow(TypedDict):
    """A row of Actionstep's `countries`."""

    currencyCode: str | None
    dialingCode: str | None
    id: str
    name: str | None


class CulturalidentityRow(TypedDict):
    """A row of Actionstep's `culturalidentity`."""

    id: str
    identity: str | None


class CurrenciesRow(TypedDict):
    """A row of Actionstep's `currencies`."""

    id: int
    name: str | None
    symbol: str | None


class DatacollectionLinks(TypedDict):
    """What a row of `datacollection` is linked to."""

    actionType: str | None


class DatacollectionRow(TypedDict):
    """A row of Actionstep's `datacollection`."""

    alwaysShowDescriptions: Literal["T", "F"] | None
    description: str | None
    id: int
    label: str | None
    multipleRecords: Literal["T", "F"] | None
    name: str | None
    order: int | None
    links: DatacollectionLinks


class DatacollectionfieldLinks(TypedDict):
    """What a row of `datacollectionfield` is linked to."""

    dataCollection: str | None
    tag: str | None


class DatacollectionfieldRow(TypedDict):
    """A row of Actionstep's `datacollectionfield`."""

    customHtmlAbove: str | None
    customHtmlBelow: str | None
    dataType: (
        Literal[
            "Appointment",
            "AutoNumber",
            "AutoNumberDC",
            "Boolean",
            "Date",
            "DateNM",
            "DateTime",
            "DateTimeNM",
            "DropDown",
            "DropDownMulti",
            "HtmlReadOnly",
            "Money",
            "Number",
            "Participant",
            "Str255",
            "Str255Protected",
            "TextArea",
        ]
        | None
    )
    description: str | None
    formOrder: int | None
    id: str
    label: str | None
    listOrder: int | None
    name: str | None
    required: Literal["T", "F"] | None
    links: DatacollectionfieldLinks


class DatacollectionfielddropdownchoicesLinks(TypedDict):
    """What a row of `datacollectionfielddropdownchoices` is linked to."""

    dataCollection: str | None
    dataField: str | None


class DatacollectionfielddropdownchoicesRow(TypedDict):
    """A row of Actionstep's `datacollectionfielddropdownchoices`."""

    id: str
    isDefault: Literal["T", "F"]
    listOrder: int
    name: str
    parentValue: str | None
    value: str
    links: DatacollectionfielddropdownchoicesLinks


class DatacollectionfieldsLinks(TypedDict):
    """What a row of `datacollectionfields` is linked to."""

    dataCollection: str | None
    tag: str | None


class DatacollectionfieldsRow(TypedDict):
    """A row of Actionstep's `datacollectionfields`."""

    customHtmlAbove: str | None
    customHtmlBelow: str | None
    dataType: Literal[
        "Appointment",
        "AutoNumber",
        "AutoNumberDC",
        "Boolean",
        "Date",
        "DateNM",
        "DateTime",
        "DateTimeNM",
        "DropDown",
        "DropDownMulti",
        "HtmlReadOnly",
        "Money",
        "Number",
        "Participant",
        "Str255",
        "Str255Protected",
        "TextArea",
    ]
    description: str | None
    formOrder: int | None
    id: str
    label: str | None
    listOrder: int | None
    name: str
    required: Literal["T", "F"] | None
    links: DatacollectionfieldsLinks


class DatacollectionrecordsLinks(TypedDict):
    """What a row of `datacollectionrecords` is linked to."""

    action: str | None
    dataCollection: str | None


class DatacollectionrecordsRow(TypedDict):
    """A row of Actionstep's `datacollectionrecords`."""

    canDelete: Literal["T", "F"] | None
    canWrite: Literal["T", "F"] | None
    id: int
    links: DatacollectionrecordsLinks


class DatacollectionrecordvaluesLinks(TypedDict):
    """What a row of `datacollectionrecordvalues` is linked to."""

    action: str | None
    dataCollection: str | None
    dataCollectionField: str | None
    dataCollectionRecord: str | None


class DatacollectionrecordvaluesRow(TypedDict):
    """A row of Actionstep's `datacollectionrecordvalues`."""

    id: str
    last_modified_by_user_id: int | None
    last_modified_time_stamp: str | None
    stringValue: str
    links: DatacollectionrecordvaluesLinks


class DatacollectionsLinks(TypedDict):
    """What a row of `datacollections` is linked to."""

    actionType: str | None


class DatacollectionsRow(TypedDict):
    """A row of Actionstep's `datacollections`."""

    alwaysShowDescriptions: Literal["T", "F"] | None
    description: str
    id: int
    label: str | None
    multipleRecords: Literal["T", "F"] | None
    name: str
    order: int | None
    links: DatacollectionsLinks


class DisabilitystatusRow(TypedDict):
    """A row of Actionstep's `disabilitystatus`."""

    id: str
    status: str | None


class DisbursementsLinks(TypedDict):
    """What a row of `disbursements` is linked to."""

    action: str | None
    enteredByParticipant: str | None
    incomeAccount: str | None
    taxCode: str | None
    uom: str | None


class DisbursementsRow(TypedDict):
    """A row of Actionstep's `disbursements`."""

    date: str
    description: str
    enteredTimestamp: str | None
    id: int
    importExternalReference: str | None
    isAnticipated: Literal["T", "F"] | None
    quantity: float
    unitPrice: float
    unitPriceIncludesTax: Literal["T", "F"]
    utbmsExpenseCode: str | None
    links: DisbursementsLinks


class DivisionsLinks(TypedDict):
    """What a row of `divisions` is linked to."""

    parent: str | None
    participant: str | None


class DivisionsRow(TypedDict):
    """A row of Actionstep's `divisions`."""

    cashAccountingAllocation: str | None
    emailSignature: str | None
    id: int
    invoiceAccountingAllocation: str | None
    invoiceAccountingMethod: str | None
    isActive: Literal["T", "F"] | None
    lockoutTimestamp: str | None
    openingBalanceTimestamp: str | None
    taxAccountingMethod: str | None
    taxMonths: int | None
    timezoneName: str | None
    timezoneOffset: int | None
    trustLockoutTimestamp: str | None
    links: DivisionsLinks


class DocumenttemplatesLinks(TypedDict):
    """What a row of `documenttemplates` is linked to."""

    actionType: str | None
    createdBy: str | None
    modifiedBy: str | None


class DocumenttemplatesRow(TypedDict):
    """A row of Actionstep's `documenttemplates`."""

    createdTimestamp: str | None
    currentVersion: int | None
    description: str | None
    directory: str | None
    documentIdentifier: str | None
    fileName: str | None
    fileSize: int | None
    generatedCount: int | None
    id: int
    installedVersion: int | None
    lastCheckinTimestamp: str | None
    modifiedTimestamp: str | None
    name: str | None
    links: DocumenttemplatesLinks


class EmailassociationsLinks(TypedDict):
    """What a row of `emailassociations` is linked to."""

    action: str | None
    email: str | None


class EmailassociationsRow(TypedDict):
    """A row of Actionstep's `emailassociations`."""

    id: int
    links: EmailassociationsLinks


class EmailattachmentsLinks(TypedDict):
    """What a row of `emailattachments` is linked to."""

    email: str | None


class EmailattachmentsRow(TypedDict):
    """A row of Actionstep's `emailattachments`."""

    attachmentSize: int | None
    contentDisposition: str | None
    displayName: str | None
    file: str | None
    id: int
    mimeContentId: str | None
    links: EmailattachmentsLinks


class EmailsLinks(TypedDict):
    """What a row of `emails` is linked to."""

    createdBy: str | None
    parent: str | None


EmailsRow = TypedDict(
    "EmailsRow",
    {
        "attachmentCount": int | None,
        "bcc": str | None,
        "bodyHtml": str | None,
        "bodyText": str | None,
        "cc": str | None,
        "createdTimestamp": str | None,
        "deliveredTo": str | None,
        "deliveryConfirmationTo": str | None,
        "deliveryConfirmedTimestamp": str | None,
        "direction": str | None,
        "emailSize": int | None,
        "externalReference": str | None,
        "flag": int | None,
        "from": str | None,
        "id": int,
        "priority": str | None,
        "readConfirmationTo": str | None,
        "readConfirmedTimestamp": str | None,
        "receivedTimestamp": str | None,
        "recipients": str | None,
        "replyTo": str | None,
        "sensitivity": str | None,
        "sentTimestamp": str | None,
        "size": int | None,
        "status": str | None,
        "subject": str | None,
        "to": str | None,
        "uniqueMessageId": str | None,
        "links": EmailsLinks,
    },
)


class FilenotesLinks(TypedDict):
    """What a row of `filenotes` is linked to."""

    action: str | None
    document: str | None
    participant: str | None
    tags: list[str]


class FilenotesRow(TypedDict):
    """A row of Actionstep's `filenotes`."""

    enteredBy: str | None
    enteredTimestamp: str | None
    id: int
    noteTimestamp: str | None
    source: Literal["System", "User"] | None
    text: str
    links: FilenotesLinks


class GendertypesRow(TypedDict):
    """A row of Actionstep's `gendertypes`."""

    id: str
    genderTypeName: str
    pronounType: Literal["Male", "Female", "Neutral", "Company"]


class NodesLinks(TypedDict):
    """What a row of `nodes` is linked to."""

    actionType: str | None
    parent: str | None


class NodesRow(TypedDict):
    """A row of Actionstep's `nodes`."""

    id: int
    isActive: Literal["T", "F"] | None
    stepNumber: int | None
    weight: int | None
    links: NodesLinks


class ParticipantadditionalnotificationmethodsLinks(TypedDict):
    """What a row of `participantadditionalnotificationmethods` is linked to."""

    participant: str | None


class ParticipantadditionalnotificationmethodsRow(TypedDict):
    """A row of Actionstep's `participantadditionalnotificationmethods`."""

    id: int
    address: str
    notes: str | None
    notificationMethod: Literal[
        "E-Mail", "SMS", "Phone", "Fax", "Mail", "Skype", "Facebook", "IM", "Twitter"
    ]
    links: ParticipantadditionalnotificationmethodsLinks


class ParticipantdatafielddropdownchoicesLinks(TypedDict):
    """What a row of `participantdatafielddropdownchoices` is linked to."""

    participantDataField: str | None
    participantType: str | None


class ParticipantdatafielddropdownchoicesRow(TypedDict):
    """A row of Actionstep's `participantdatafielddropdownchoices`."""

    id: str
    isDefault: Literal["T", "F"]
    listOrder: int
    name: str
    value: str
    links: ParticipantdatafielddropdownchoicesLinks


class ParticipantdefaulttypesLinks(TypedDict):
    """What a row of `participantdefaulttypes` is linked to."""

    participant: str | None
    participantType: str | None


class ParticipantdefaulttypesRow(TypedDict):
    """A row of Actionstep's `participantdefaulttypes`."""

    id: str
    links: ParticipantdefaulttypesLinks


class ParticipantrelationshiptypesRow(TypedDict):
    """A row of Actionstep's `participantrelationshiptypes`."""

    id: str
    category: Literal[
        "IndividualToIndividual", "IndividualToCompany", "CompanyToIndividual", "CompanyToCompany"
    ]
    relationshipType: str


class ParticipantsLinks(TypedDict):
    """What a row of `participants` is linked to."""

    division: str | None
    mailingCountry: str | None
    physicalCountry: str | None


class ParticipantsRow(TypedDict):
    """A row of Actionstep's `participants`."""

    amlNote: str | None
    amlProgress: int | None
    amlRisk: Literal["Low", "Medium", "High", "Unknown", "Very Low", "Very High"] | None
    amlStatus: Literal["Not started", "In progress", "Signed off"] | None
    birthTimestamp: str | None
    companyName: str | None
    countryIdOfBirth: str | None
    createdTimestamp: str | None
    culturalIdentity: str | None
    dateOfBirthStatus: Literal["Known", "Estimate", "Not stated", "Unknown"] | None
    deathTimestamp: str | None
    debtorStatementEmail: str | None
    debtorStatementSendEmail: Literal["T", "F"] | None
    debtorStatementUsePrimaryEmail: Literal["T", "F"] | None
    disabilityStatus: str | None
    displayInitials: str | None
    displayName: str
    email: str | None
    fax: str | None
    firstName: str | None
    gender: Literal["M", "F"] | None
    genderTypeName: str | None
    id: int
    importExternalReference: str | None
    isCompany: Literal["T", "F"] | None
    isDeceased: Literal["T", "F"] | None
    lastName: str | None
    mailingAddressLine1: str | None
    mailingAddressLine2: str | None
    mailingCity: str | None
    mailingCounty: str | None
    mailingPostCode: str | None
    mailingStateProvince: str | None
    maritalStatus: str | None
    middleName: str | None
    modifiedTimestamp: str | None
    occupation: str | None
    phone1Area: int | None
    phone1Country: int | None
    phone1Label: str | None
    phone1Notes: str | None
    phone1Number: str | None
    phone2Area: int | None
    phone2Country: int | None
    phone2Label: str | None
    phone2Notes: str | None
    phone2Number: str | None
    phone3Area: int | None
    phone3Country: int | None
    phone3Label: str | None
    phone3Notes: str | None
    phone3Number: str | None
    phone4Area: int | None
    phone4Country: int | None
    phone4Label: str | None
    phone4Notes: str | None
    phone4Number: str | None
    physicalAddressLine1: str | None
    physicalAddressLine2: str | None
    physicalCity: str | None
    physicalCounty: str | None
    physicalPostCode: str | None
    physicalStateProvince: str | None
    preferredName: str | None
    primaryLanguage: str | None
    salutation: str | None
    sms: str | None
    suffix: str | None
    taxNumber: str | None
    website: str | None
    yearOfArrival: int | None
    links: ParticipantsLinks


class ParticipanttypedatafieldsLinks(TypedDict):
    """What a row of `participanttypedatafields` is linked to."""

    participantType: str | None
    tag: str | None


class ParticipanttypedatafieldsRow(TypedDict):
    """A row of Actionstep's `participanttypedatafields`."""

    dataType: Literal[
        "Boolean",
        "Date",
        "DateNM",
        "DateTime",
        "DateTimeNM",
        "DropDown",
        "DropDownMulti",
        "Money",
        "Number",
        "Str255",
        "Str255Protected",
        "TextArea",
    ]
    description: str | None
    formOrder: int | None
    id: int
    label: str | None
    limitUseToMatterOnly: Literal["T", "F"] | None
    name: str
    required: Literal["T", "F"] | None
    synchronizeValues: Literal["T", "F"] | None
    links: ParticipanttypedatafieldsLinks


class ParticipanttypesRow(TypedDict):
    """A row of Actionstep's `participanttypes`."""

    companyFlag: Literal["T", "F"] | None
    description: str | None
    displayName: str | None
    id: int
    isBaseParticipantType: Literal["T", "F"] | None
    name: str | None
    taxNumberAlias: str | None


class PhonerecordsLinks(TypedDict):
    """What a row of `phonerecords` is linked to."""

    action: str | None
    fromParticipant: str | None
    toParticipant: str | None


class PhonerecordsRow(TypedDict):
    """A row of Actionstep's `phonerecords`."""

    actualHours: float | None
    callTimestamp: str
    direction: Literal["in", "out"]
    fromParticipantOther: str | None
    id: int
    notes: str | None
    outcome: str
    phoneNumber: str | None
    phoneNumberType: str | None
    toParticipantOther: str | None
    links: PhonerecordsLinks


class PrimarylanguageRow(TypedDict):
    """A row of Actionstep's `primarylanguage`."""

    id: str
    language: str | None


class QuickcodesLinks(TypedDict):
    """What a row of `quickcodes` is linked to."""

    rate: str | None


class QuickcodesRow(TypedDict):
    """A row of Actionstep's `quickcodes`."""

    description: str
    id: int
    quickCode: str
    useForReceipts: Literal["T", "F"] | None
    useForRetainerTransfers: Literal["T", "F"] | None
    useForTasks: Literal["T", "F"] | None
    useForTimeEntry: Literal["T", "F"] | None
    useForWithdrawals: Literal["T", "F"] | None
    links: QuickcodesLinks


class RatesLinks(TypedDict):
    """What a row of `rates` is linked to."""

    unit: str | None


class RatesRow(TypedDict):
    """A row of Actionstep's `rates`."""

    costRate: float | None
    id: int
    includesTax: Literal["T", "F"] | None
    isActive: Literal["T", "F"] | None
    name: str | None
    rate: float | None
    links: RatesLinks


class ResthooksRow(TypedDict):
    """A row of Actionstep's `resthooks`."""

    eventName: str
    id: int
    status: Literal["Active", "Disabled", "Deleted"] | None
    targetUrl: str
    triggeredCount: int | None
    triggeredLastTimestamp: str | None


class StepsLinks(TypedDict):
    """What a row of `steps` is linked to."""

    actionType: str | None
    assignToParticipantType: str | None


class StepsRow(TypedDict):
    """A row of Actionstep's `steps`."""

    actionStatus: str | None
    assignedToMandatory: Literal["T", "F"] | None
    description: str | None
    id: str
    stepName: str | None
    stepNumber: str | None
    links: StepsLinks


class TagsLinks(TypedDict):
    """What a row of `tags` is linked to."""

    parentTag: str | None


class TagsRow(TypedDict):
    """A row of Actionstep's `tags`."""

    description: str | None
    id: int
    name: str | None
    links: TagsLinks


class TasksLinks(TypedDict):
    """What a row of `tasks` is linked to."""

    action: str | None
    assignee: str | None
    confirmedNonBillableBy: str | None
    linkedDataCollection: str | None
    linkedDocumentTemplate: str | None
    rate: str | None
    template: str | None
    triggerDataCollection: str | None


class TasksRow(TypedDict):
    """A row of Actionstep's `tasks`."""

    actualHours: float | None
    assignedBy: str | None
    billableHours: float | None
    completeBeforeStep: int | None
    completeDuringStep: int | None
    completedTimestamp: str | None
    confirmedNonBillable: Literal["T", "F"] | None
    confirmedNonBillableTimestamp: str | None
    description: str | None
    dueTimestamp: str
    expectedDurationUnits: str | None
    expectedDurationValue: int | None
    hasTriggerDate: Literal["T", "F"] | None
    id: int
    isBillingHold: Literal["T", "F"] | None
    isPartBilled: Literal["T", "F"] | None
    lastModifiedTimestamp: str | None
    mustStartBeforeTimestamp: str | None
    name: str
    priority: Literal["Low", "Normal", "High"] | None
    startedTimestamp: str | None
    status: Literal["Incomplete", "Complete", "Hidden", "Deleted"]
    triggerField: str | None
    triggerOffset: int | None
    triggerWeekdaysOnly: Literal["T", "F"] | None
    links: TasksLinks


class TasktemplatesLinks(TypedDict):
    """What a row of `tasktemplates` is linked to."""

    actionType: str | None
    activity: str | None
    dataCollection: str | None
    defaultRate: str | None
    participantType: str | None
    tag: str | None
    template: str | None


class TasktemplatesRow(TypedDict):
    """A row of Actionstep's `tasktemplates`."""

    completeBeforeStep: int | None
    completeByStep: int | None
    description: str | None
    dueDataTrigger: Literal["T", "F"] | None
    dueDaysAhead: int | None
    estimatedHours: float | None
    expectedDuration: int | None
    expectedDurationUnits: str | None
    id: int
    isDueDaysAheadWeekDays: Literal["T", "F"] | None
    listOrder: int | None
    priority: str | None
    showOnGanttChart: Literal["T", "F"] | None
    stepNumber: int | None
    taskName: str | None
    links: TasktemplatesLinks


class TaxcodesLinks(TypedDict):
    """What a row of `taxcodes` is linked to."""

    nextGstCode: str | None
    previousGstCode: str | None


class TaxcodesRow(TypedDict):
    """A row of Actionstep's `taxcodes`."""

    code: str | None
    collectedMemo: str | None
    description: str | None
    effectiveFrom: str | None
    effectiveTo: str | None
    externalInput: str | None
    externalOutput: str | None
    id: int
    paidMemo: str | None
    percentage: float | None
    sortOrder: int | None
    links: TaxcodesLinks


class TimeentriesLinks(TypedDict):
    """What a row of `timeentries` is linked to."""

    action: str | None
    createdBy: str | None
    owner: str | None
    phoneRecord: str | None
    quickCode: str | None
    rate: str | None
    task: str | None
    utbmsActivityCode: str | None
    utbmsTaskCode: str | None
    utbmsTimekeeperCode: str | None


class TimeentriesRow(TypedDict):
    """A row of Actionstep's `timeentries`."""

    actualHours: float
    billableAmount: float | None
    billableAmountType: Literal["Fixed", "Calculated"] | None
    billableHours: float | None
    billingBehavior: Literal["Bill", "Hide", "No charge"] | None
    createdTimestamp: str | None
    description: str | None
    id: int
    importExternalReference: str | None
    isBillable: Literal["T", "F"] | None
    rateSource: (
        Literal["Default", "Timekeeper", "Action", "Participant", "Custom", "Bulk custom rate"]
        | None
    )
    rateTimestamp: str | None
    rateUnitPrice: float | None
    startTime: str | None
    timerDurationSeconds: int | None
    timerStartedClientTimestamp: str | None
    timerStatus: Literal["Running", "Paused", "Stopped", "Locked"] | None
    timestampDate: str
    links: TimeentriesLinks


class TimerecordactivitiesLinks(TypedDict):
    """What a row of `timerecordactivities` is linked to."""

    divisions: list[str]


class TimerecordactivitiesRow(TypedDict):
    """A row of Actionstep's `timerecordactivities`."""

    description: str | None
    group: str | None
    id: int
    name: str | None
    links: TimerecordactivitiesLinks


class TimerecordsLinks(TypedDict):
    """What a row of `timerecords` is linked to."""

    action: str | None
    activity: str | None
    createdBy: str | None
    division: str | None
    owner: str | None
    rate: str | None
    task: str | None


class TimerecordsRow(TypedDict):
    """A row of Actionstep's `timerecords`."""

    actualHours: float
    billableHours: float | None
    createdTimestamp: str | None
    id: int
    notes: str | None
    startTimestamp: str
    links: TimerecordsLinks


class UnitsRow(TypedDict):
    """A row of Actionstep's `units`."""

    category: str | None
    defaultSortOrder: int | None
    description: str | None
    id: int
    namePlural: str | None
    nameSingular: str | None
    symbol: str | None


class UsersLinks(TypedDict):
    """What a row of `users` is linked to."""

    defaultRate: str | None
    division: str | None
    participant: str | None


class UsersRow(TypedDict):
    """A row of Actionstep's `users`."""

    emailAddress: str | None
    hasAuthority: Literal["T", "F"] | None
    id: int
    isActive: Literal["T", "F"] | None
    isCurrent: Literal["T", "F"] | None
    links: UsersLinks


class UtbmscodesRow(TypedDict):
    """A row of Actionstep's `utbmscodes`."""

    categoryCode: str
    description: str
    enabled: Literal["T", "F"]
    id: str
    overrideDescription: str | None
    parentUtbmsCode: str | None


class TypedReading(Conversing):
    """What reads rows, typed by the name of their resource."""

    @overload
    def iterate(
        self, resource: str, *, include: str, convert: bool = False, **params: Any
    ) -> Iterator[LinkedRow]: ...
    @overload
    def iterate(self, resource: str, *, convert: bool, **params: Any) -> Iterator[Row]: ...
    @overload
    def iterate(self, resource: Literal["accounts"], **params: Any) -> Iterator[AccountsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actionbillsettings"], **params: Any
    ) -> Iterator[ActionbillsettingsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actiondocuments"], **params: Any
    ) -> Iterator[ActiondocumentsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actionfolders"], **params: Any
    ) -> Iterator[ActionfoldersRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actionnetdocssettings"], **params: Any
    ) -> Iterator[ActionnetdocssettingsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actionparticipants"], **params: Any
    ) -> Iterator[ActionparticipantsRow]: ...
    @overload
    def iterate(self, resource: Literal["actions"], **params: Any) -> Iterator[ActionsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actiontypeparticipanttypes"], **params: Any
    ) -> Iterator[ActiontypeparticipanttypesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["actiontypes"], **params: Any
    ) -> Iterator[ActiontypesRow]: ...
    @overload
    def iterate(self, resource: Literal["bills"], **params: Any) -> Iterator[BillsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["contactdocuments"], **params: Any
    ) -> Iterator[ContactdocumentsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["contactfolders"], **params: Any
    ) -> Iterator[ContactfoldersRow]: ...
    @overload
    def iterate(
        self, resource: Literal["contactnotes"], **params: Any
    ) -> Iterator[ContactnotesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["contactrelationships"], **params: Any
    ) -> Iterator[ContactrelationshipsRow]: ...
    @overload
    def iterate(self, resource: Literal["countries"], **params: Any) -> Iterator[CountriesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["culturalidentity"], **params: Any
    ) -> Iterator[CulturalidentityRow]: ...
    @overload
    def iterate(
        self, resource: Literal["currencies"], **params: Any
    ) -> Iterator[CurrenciesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollection"], **params: Any
    ) -> Iterator[DatacollectionRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollectionfield"], **params: Any
    ) -> Iterator[DatacollectionfieldRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollectionfielddropdownchoices"], **params: Any
    ) -> Iterator[DatacollectionfielddropdownchoicesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollectionfields"], **params: Any
    ) -> Iterator[DatacollectionfieldsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollectionrecords"], **params: Any
    ) -> Iterator[DatacollectionrecordsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollectionrecordvalues"], **params: Any
    ) -> Iterator[DatacollectionrecordvaluesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["datacollections"], **params: Any
    ) -> Iterator[DatacollectionsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["disabilitystatus"], **params: Any
    ) -> Iterator[DisabilitystatusRow]: ...
    @overload
    def iterate(
        self, resource: Literal["disbursements"], **params: Any
    ) -> Iterator[DisbursementsRow]: ...
    @overload
    def iterate(self, resource: Literal["divisions"], **params: Any) -> Iterator[DivisionsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["documenttemplates"], **params: Any
    ) -> Iterator[DocumenttemplatesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["emailassociations"], **params: Any
    ) -> Iterator[EmailassociationsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["emailattachments"], **params: Any
    ) -> Iterator[EmailattachmentsRow]: ...
    @overload
    def iterate(self, resource: Literal["emails"], **params: Any) -> Iterator[EmailsRow]: ...
    @overload
    def iterate(self, resource: Literal["filenotes"], **params: Any) -> Iterator[FilenotesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["gendertypes"], **params: Any
    ) -> Iterator[GendertypesRow]: ...
    @overload
    def iterate(self, resource: Literal["nodes"], **params: Any) -> Iterator[NodesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participantadditionalnotificationmethods"], **params: Any
    ) -> Iterator[ParticipantadditionalnotificationmethodsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participantdatafielddropdownchoices"], **params: Any
    ) -> Iterator[ParticipantdatafielddropdownchoicesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participantdefaulttypes"], **params: Any
    ) -> Iterator[ParticipantdefaulttypesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participantrelationshiptypes"], **params: Any
    ) -> Iterator[ParticipantrelationshiptypesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participants"], **params: Any
    ) -> Iterator[ParticipantsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participanttypedatafields"], **params: Any
    ) -> Iterator[ParticipanttypedatafieldsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["participanttypes"], **params: Any
    ) -> Iterator[ParticipanttypesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["phonerecords"], **params: Any
    ) -> Iterator[PhonerecordsRow]: ...
    @overload
    def iterate(
        self, resource: Literal["primarylanguage"], **params: Any
    ) -> Iterator[PrimarylanguageRow]: ...
    @overload
    def iterate(
        self, resource: Literal["quickcodes"], **params: Any
    ) -> Iterator[QuickcodesRow]: ...
    @overload
    def iterate(self, resource: Literal["rates"], **params: Any) -> Iterator[RatesRow]: ...
    @overload
    def iterate(self, resource: Literal["resthooks"], **params: Any) -> Iterator[ResthooksRow]: ...
    @overload
    def iterate(self, resource: Literal["steps"], **params: Any) -> Iterator[StepsRow]: ...
    @overload
    def iterate(self, resource: Literal["tags"], **params: Any) -> Iterator[TagsRow]: ...
    @overload
    def iterate(self, resource: Literal["tasks"], **params: Any) -> Iterator[TasksRow]: ...
    @overload
    def iterate(
        self, resource: Literal["tasktemplates"], **params: Any
    ) -> Iterator[TasktemplatesRow]: ...
    @overload
    def iterate(self, resource: Literal["taxcodes"], **params: Any) -> Iterator[TaxcodesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["timeentries"], **params: Any
    ) -> Iterator[TimeentriesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["timerecordactivities"], **params: Any
    ) -> Iterator[TimerecordactivitiesRow]: ...
    @overload
    def iterate(
        self, resource: Literal["timerecords"], **params: Any
    ) -> Iterator[TimerecordsRow]: ...
    @overload
    def iterate(self, resource: Literal["units"], **params: Any) -> Iterator[UnitsRow]: ...
    @overload
    def iterate(self, resource: Literal["users"], **params: Any) -> Iterator[UsersRow]: ...
    @overload
    def iterate(
        self, resource: Literal["utbmscodes"], **params: Any
    ) -> Iterator[UtbmscodesRow]: ...
    @overload
    def iterate(self, resource: str, **params: Any) -> Iterator[Row]: ...
    def iterate(self, resource: str, **params: Any) -> Iterator[Any]:
        raise NotImplementedError

    @overload
    def changes(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        include: str,
        convert: bool = False,
        **params: Any,
    ) -> Changes[LinkedRow]: ...
    @overload
    def changes(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        convert: bool,
        **params: Any,
    ) -> Changes[Row]: ...
    @overload
    def changes(
        self,
        resource: Literal["accounts"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[AccountsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actionbillsettings"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActionbillsettingsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actiondocuments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActiondocumentsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actionfolders"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActionfoldersRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actionnetdocssettings"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActionnetdocssettingsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actionparticipants"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActionparticipantsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actions"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActionsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actiontypeparticipanttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActiontypeparticipanttypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["actiontypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ActiontypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["bills"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[BillsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["contactdocuments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ContactdocumentsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["contactfolders"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ContactfoldersRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["contactnotes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ContactnotesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["contactrelationships"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ContactrelationshipsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["countries"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[CountriesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["culturalidentity"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[CulturalidentityRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["currencies"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[CurrenciesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollection"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollectionfield"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionfieldRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollectionfielddropdownchoices"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionfielddropdownchoicesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollectionfields"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionfieldsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollectionrecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionrecordsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollectionrecordvalues"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionrecordvaluesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["datacollections"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DatacollectionsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["disabilitystatus"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DisabilitystatusRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["disbursements"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DisbursementsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["divisions"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DivisionsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["documenttemplates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[DocumenttemplatesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["emailassociations"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[EmailassociationsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["emailattachments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[EmailattachmentsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["emails"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[EmailsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["filenotes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[FilenotesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["gendertypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[GendertypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["nodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[NodesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participantadditionalnotificationmethods"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipantadditionalnotificationmethodsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participantdatafielddropdownchoices"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipantdatafielddropdownchoicesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participantdefaulttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipantdefaulttypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participantrelationshiptypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipantrelationshiptypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participants"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipantsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participanttypedatafields"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipanttypedatafieldsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["participanttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ParticipanttypesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["phonerecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[PhonerecordsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["primarylanguage"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[PrimarylanguageRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["quickcodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[QuickcodesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["rates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[RatesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["resthooks"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[ResthooksRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["steps"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[StepsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["tags"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TagsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["tasks"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TasksRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["tasktemplates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TasktemplatesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["taxcodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TaxcodesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["timeentries"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TimeentriesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["timerecordactivities"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TimerecordactivitiesRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["timerecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[TimerecordsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["units"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[UnitsRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["users"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[UsersRow]: ...
    @overload
    def changes(
        self,
        resource: Literal["utbmscodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> Changes[UtbmscodesRow]: ...
    @overload
    def changes(
        self, resource: str, *, since: datetime | None, stamp: str | None = None, **params: Any
    ) -> Changes[Row]: ...
    def changes(self, resource: str, **params: Any) -> Changes[Any]:
        raise NotImplementedError


class AsyncTypedReading(AsyncConversing):
    """What reads rows, typed by the name of their resource."""

    @overload
    def aiterate(
        self, resource: str, *, include: str, convert: bool = False, **params: Any
    ) -> AsyncIterator[LinkedRow]: ...
    @overload
    def aiterate(self, resource: str, *, convert: bool, **params: Any) -> AsyncIterator[Row]: ...
    @overload
    def aiterate(
        self, resource: Literal["accounts"], **params: Any
    ) -> AsyncIterator[AccountsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actionbillsettings"], **params: Any
    ) -> AsyncIterator[ActionbillsettingsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actiondocuments"], **params: Any
    ) -> AsyncIterator[ActiondocumentsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actionfolders"], **params: Any
    ) -> AsyncIterator[ActionfoldersRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actionnetdocssettings"], **params: Any
    ) -> AsyncIterator[ActionnetdocssettingsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actionparticipants"], **params: Any
    ) -> AsyncIterator[ActionparticipantsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actions"], **params: Any
    ) -> AsyncIterator[ActionsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actiontypeparticipanttypes"], **params: Any
    ) -> AsyncIterator[ActiontypeparticipanttypesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["actiontypes"], **params: Any
    ) -> AsyncIterator[ActiontypesRow]: ...
    @overload
    def aiterate(self, resource: Literal["bills"], **params: Any) -> AsyncIterator[BillsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["contactdocuments"], **params: Any
    ) -> AsyncIterator[ContactdocumentsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["contactfolders"], **params: Any
    ) -> AsyncIterator[ContactfoldersRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["contactnotes"], **params: Any
    ) -> AsyncIterator[ContactnotesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["contactrelationships"], **params: Any
    ) -> AsyncIterator[ContactrelationshipsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["countries"], **params: Any
    ) -> AsyncIterator[CountriesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["culturalidentity"], **params: Any
    ) -> AsyncIterator[CulturalidentityRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["currencies"], **params: Any
    ) -> AsyncIterator[CurrenciesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollection"], **params: Any
    ) -> AsyncIterator[DatacollectionRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollectionfield"], **params: Any
    ) -> AsyncIterator[DatacollectionfieldRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollectionfielddropdownchoices"], **params: Any
    ) -> AsyncIterator[DatacollectionfielddropdownchoicesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollectionfields"], **params: Any
    ) -> AsyncIterator[DatacollectionfieldsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollectionrecords"], **params: Any
    ) -> AsyncIterator[DatacollectionrecordsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollectionrecordvalues"], **params: Any
    ) -> AsyncIterator[DatacollectionrecordvaluesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["datacollections"], **params: Any
    ) -> AsyncIterator[DatacollectionsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["disabilitystatus"], **params: Any
    ) -> AsyncIterator[DisabilitystatusRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["disbursements"], **params: Any
    ) -> AsyncIterator[DisbursementsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["divisions"], **params: Any
    ) -> AsyncIterator[DivisionsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["documenttemplates"], **params: Any
    ) -> AsyncIterator[DocumenttemplatesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["emailassociations"], **params: Any
    ) -> AsyncIterator[EmailassociationsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["emailattachments"], **params: Any
    ) -> AsyncIterator[EmailattachmentsRow]: ...
    @overload
    def aiterate(self, resource: Literal["emails"], **params: Any) -> AsyncIterator[EmailsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["filenotes"], **params: Any
    ) -> AsyncIterator[FilenotesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["gendertypes"], **params: Any
    ) -> AsyncIterator[GendertypesRow]: ...
    @overload
    def aiterate(self, resource: Literal["nodes"], **params: Any) -> AsyncIterator[NodesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participantadditionalnotificationmethods"], **params: Any
    ) -> AsyncIterator[ParticipantadditionalnotificationmethodsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participantdatafielddropdownchoices"], **params: Any
    ) -> AsyncIterator[ParticipantdatafielddropdownchoicesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participantdefaulttypes"], **params: Any
    ) -> AsyncIterator[ParticipantdefaulttypesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participantrelationshiptypes"], **params: Any
    ) -> AsyncIterator[ParticipantrelationshiptypesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participants"], **params: Any
    ) -> AsyncIterator[ParticipantsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participanttypedatafields"], **params: Any
    ) -> AsyncIterator[ParticipanttypedatafieldsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["participanttypes"], **params: Any
    ) -> AsyncIterator[ParticipanttypesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["phonerecords"], **params: Any
    ) -> AsyncIterator[PhonerecordsRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["primarylanguage"], **params: Any
    ) -> AsyncIterator[PrimarylanguageRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["quickcodes"], **params: Any
    ) -> AsyncIterator[QuickcodesRow]: ...
    @overload
    def aiterate(self, resource: Literal["rates"], **params: Any) -> AsyncIterator[RatesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["resthooks"], **params: Any
    ) -> AsyncIterator[ResthooksRow]: ...
    @overload
    def aiterate(self, resource: Literal["steps"], **params: Any) -> AsyncIterator[StepsRow]: ...
    @overload
    def aiterate(self, resource: Literal["tags"], **params: Any) -> AsyncIterator[TagsRow]: ...
    @overload
    def aiterate(self, resource: Literal["tasks"], **params: Any) -> AsyncIterator[TasksRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["tasktemplates"], **params: Any
    ) -> AsyncIterator[TasktemplatesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["taxcodes"], **params: Any
    ) -> AsyncIterator[TaxcodesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["timeentries"], **params: Any
    ) -> AsyncIterator[TimeentriesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["timerecordactivities"], **params: Any
    ) -> AsyncIterator[TimerecordactivitiesRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["timerecords"], **params: Any
    ) -> AsyncIterator[TimerecordsRow]: ...
    @overload
    def aiterate(self, resource: Literal["units"], **params: Any) -> AsyncIterator[UnitsRow]: ...
    @overload
    def aiterate(self, resource: Literal["users"], **params: Any) -> AsyncIterator[UsersRow]: ...
    @overload
    def aiterate(
        self, resource: Literal["utbmscodes"], **params: Any
    ) -> AsyncIterator[UtbmscodesRow]: ...
    @overload
    def aiterate(self, resource: str, **params: Any) -> AsyncIterator[Row]: ...
    def aiterate(self, resource: str, **params: Any) -> AsyncIterator[Any]:
        raise NotImplementedError

    @overload
    def achanges(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        include: str,
        convert: bool = False,
        **params: Any,
    ) -> AsyncChanges[LinkedRow]: ...
    @overload
    def achanges(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        convert: bool,
        **params: Any,
    ) -> AsyncChanges[Row]: ...
    @overload
    def achanges(
        self,
        resource: Literal["accounts"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[AccountsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actionbillsettings"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActionbillsettingsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actiondocuments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActiondocumentsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actionfolders"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActionfoldersRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actionnetdocssettings"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActionnetdocssettingsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actionparticipants"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActionparticipantsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actions"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActionsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actiontypeparticipanttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActiontypeparticipanttypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["actiontypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ActiontypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["bills"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[BillsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["contactdocuments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ContactdocumentsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["contactfolders"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ContactfoldersRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["contactnotes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ContactnotesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["contactrelationships"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ContactrelationshipsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["countries"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[CountriesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["culturalidentity"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[CulturalidentityRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["currencies"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[CurrenciesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollection"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollectionfield"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionfieldRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollectionfielddropdownchoices"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionfielddropdownchoicesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollectionfields"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionfieldsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollectionrecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionrecordsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollectionrecordvalues"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionrecordvaluesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["datacollections"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DatacollectionsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["disabilitystatus"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DisabilitystatusRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["disbursements"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DisbursementsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["divisions"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DivisionsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["documenttemplates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[DocumenttemplatesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["emailassociations"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[EmailassociationsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["emailattachments"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[EmailattachmentsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["emails"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[EmailsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["filenotes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[FilenotesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["gendertypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[GendertypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["nodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[NodesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participantadditionalnotificationmethods"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipantadditionalnotificationmethodsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participantdatafielddropdownchoices"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipantdatafielddropdownchoicesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participantdefaulttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipantdefaulttypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participantrelationshiptypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipantrelationshiptypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participants"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipantsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participanttypedatafields"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipanttypedatafieldsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["participanttypes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ParticipanttypesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["phonerecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[PhonerecordsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["primarylanguage"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[PrimarylanguageRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["quickcodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[QuickcodesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["rates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[RatesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["resthooks"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[ResthooksRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["steps"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[StepsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["tags"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TagsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["tasks"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TasksRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["tasktemplates"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TasktemplatesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["taxcodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TaxcodesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["timeentries"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TimeentriesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["timerecordactivities"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TimerecordactivitiesRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["timerecords"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[TimerecordsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["units"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[UnitsRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["users"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[UsersRow]: ...
    @overload
    def achanges(
        self,
        resource: Literal["utbmscodes"],
        *,
        since: datetime | None,
        stamp: str | None = None,
        **params: Any,
    ) -> AsyncChanges[UtbmscodesRow]: ...
    @overload
    def achanges(
        self, resource: str, *, since: datetime | None, stamp: str | None = None, **params: Any
    ) -> AsyncChanges[Row]: ...
    def achanges(self, resource: str, **params: Any) -> AsyncChanges[Any]:
        raise NotImplementedError
