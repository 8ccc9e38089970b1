"""What the client knows of the members of published resources.

Written by scripts/make_rows.py from the facts of the sandbox; do not edit.
"""

from collections.abc import Mapping

#: The members that are more than text and numbers: boolean, timestamp, date or time.
KINDS: Mapping[str, Mapping[str, str]] = {
    "accounts": {
        "actionEntriesOnly": "boolean",
        "active": "boolean",
        "header": "boolean",
    },
    "actionbillsettings": {
        "isBillable": "boolean",
        "isSalesTaxEnabled": "boolean",
        "isUtbmsEnabled": "boolean",
    },
    "actiondocuments": {
        "checkedOutEtaTimestamp": "timestamp",
        "checkedOutTimestamp": "timestamp",
        "isDeleted": "boolean",
        "modifiedTimestamp": "timestamp",
    },
    "actionnetdocssettings": {
        "workspaceFolderLastUpdatedTimestamp": "timestamp",
    },
    "actions": {
        "createdTimestamp": "timestamp",
        "deletedTimestamp": "timestamp",
        "isBillableOverride": "boolean",
        "isDeleted": "boolean",
        "isFavorite": "boolean",
        "lastAccessTimestamp": "timestamp",
        "modifiedTimestamp": "timestamp",
        "statusTimestamp": "timestamp",
    },
    "actiontypeparticipanttypes": {
        "isPrimaryParticipantType": "boolean",
        "required": "boolean",
    },
    "bills": {
        "createdTimestamp": "timestamp",
        "deletedTimestamp": "timestamp",
        "dueDate": "date",
        "invoiceDate": "date",
        "modifiedTimestamp": "timestamp",
    },
    "contactdocuments": {
        "createdTimestamp": "timestamp",
        "modifiedTimestamp": "timestamp",
    },
    "contactnotes": {
        "enteredTimestamp": "timestamp",
        "noteTimestamp": "timestamp",
    },
    "datacollection": {
        "alwaysShowDescriptions": "boolean",
        "multipleRecords": "boolean",
    },
    "datacollectionfield": {
        "required": "boolean",
    },
    "datacollectionfielddropdownchoices": {
        "isDefault": "boolean",
    },
    "datacollectionfields": {
        "required": "boolean",
    },
    "datacollectionrecords": {
        "canDelete": "boolean",
        "canWrite": "boolean",
    },
    "datacollectionrecordvalues": {
        "last_modified_time_stamp": "timestamp",
    },
    "datacollections": {
        "alwaysShowDescriptions": "boolean",
        "multipleRecords": "boolean",
    },
    "disbursements": {
        "date": "date",
        "enteredTimestamp": "timestamp",
        "isAnticipated": "boolean",
        "unitPriceIncludesTax": "boolean",
    },
    "divisions": {
        "isActive": "boolean",
        "lockoutTimestamp": "date",
        "openingBalanceTimestamp": "date",
        "trustLockoutTimestamp": "date",
    },
    "documenttemplates": {
        "createdTimestamp": "timestamp",
        "lastCheckinTimestamp": "timestamp",
        "modifiedTimestamp": "timestamp",
    },
    "emails": {
        "createdTimestamp": "timestamp",
        "deliveryConfirmedTimestamp": "timestamp",
        "readConfirmedTimestamp": "timestamp",
        "receivedTimestamp": "timestamp",
        "sentTimestamp": "timestamp",
    },
    "filenotes": {
        "enteredTimestamp": "timestamp",
        "noteTimestamp": "timestamp",
    },
    "nodes": {
        "isActive": "boolean",
    },
    "participantdatafielddropdownchoices": {
        "isDefault": "boolean",
    },
    "participants": {
        "birthTimestamp": "date",
        "createdTimestamp": "timestamp",
        "deathTimestamp": "date",
        "debtorStatementSendEmail": "boolean",
        "debtorStatementUsePrimaryEmail": "boolean",
        "isCompany": "boolean",
        "isDeceased": "boolean",
        "modifiedTimestamp": "timestamp",
    },
    "participanttypedatafields": {
        "limitUseToMatterOnly": "boolean",
        "required": "boolean",
        "synchronizeValues": "boolean",
    },
    "participanttypes": {
        "companyFlag": "boolean",
        "isBaseParticipantType": "boolean",
    },
    "phonerecords": {
        "callTimestamp": "timestamp",
    },
    "quickcodes": {
        "useForReceipts": "boolean",
        "useForRetainerTransfers": "boolean",
        "useForTasks": "boolean",
        "useForTimeEntry": "boolean",
        "useForWithdrawals": "boolean",
    },
    "rates": {
        "includesTax": "boolean",
        "isActive": "boolean",
    },
    "resthooks": {
        "triggeredLastTimestamp": "timestamp",
    },
    "steps": {
        "assignedToMandatory": "boolean",
    },
    "tasks": {
        "completedTimestamp": "timestamp",
        "confirmedNonBillable": "boolean",
        "confirmedNonBillableTimestamp": "timestamp",
        "dueTimestamp": "timestamp",
        "hasTriggerDate": "boolean",
        "isBillingHold": "boolean",
        "isPartBilled": "boolean",
        "lastModifiedTimestamp": "timestamp",
        "mustStartBeforeTimestamp": "timestamp",
        "startedTimestamp": "timestamp",
        "triggerWeekdaysOnly": "boolean",
    },
    "tasktemplates": {
        "dueDataTrigger": "boolean",
        "isDueDaysAheadWeekDays": "boolean",
        "showOnGanttChart": "boolean",
    },
    "taxcodes": {
        "effectiveFrom": "date",
        "effectiveTo": "date",
    },
    "timeentries": {
        "createdTimestamp": "timestamp",
        "isBillable": "boolean",
        "rateTimestamp": "timestamp",
        "startTime": "time",
        "timerStartedClientTimestamp": "timestamp",
        "timestampDate": "timestamp",
    },
    "timerecords": {
        "createdTimestamp": "timestamp",
        "startTimestamp": "timestamp",
    },
    "users": {
        "hasAuthority": "boolean",
        "isActive": "boolean",
        "isCurrent": "boolean",
    },
    "utbmscodes": {
        "enabled": "boolean",
    },
}
#: The resource that a link leads to.
LINKS: Mapping[str, Mapping[str, str]] = {
    "accounts": {
        "currency": "currencies",
        "incomeAccount": "accounts",
        "parentAccount": "accounts",
        "taxcode": "taxcodes",
    },
    "actionbillsettings": {
        "currency": "currencies",
        "defaultRate": "rates",
        "salesTaxRate": "taxcodes",
    },
    "actiondocuments": {
        "action": "actions",
        "checkedOutBy": "participants",
        "createdBy": "participants",
        "documentTemplate": "documenttemplates",
        "folder": "actionfolders",
        "tags": "tags",
    },
    "actionfolders": {
        "action": "actions",
        "parentFolder": "actionfolders",
    },
    "actionnetdocssettings": {
        "action": "actions",
        "participant": "participants",
    },
    "actionparticipants": {
        "action": "actions",
        "participant": "participants",
        "participantType": "participanttypes",
    },
    "actions": {
        "actionType": "actiontypes",
        "assignedTo": "participants",
        "billSettings": "actionbillsettings",
        "division": "divisions",
        "primaryParticipants": "participants",
        "relatedActions": "actions",
        "step": "steps",
    },
    "actiontypeparticipanttypes": {
        "participantType": "participanttypes",
    },
    "actiontypes": {
        "primaryParticipantType": "participanttypes",
    },
    "bills": {
        "action": "actions",
        "division": "divisions",
        "theirParticipant": "participants",
    },
    "contactdocuments": {
        "createdBy": "participants",
        "folder": "contactfolders",
        "participant": "participants",
    },
    "contactfolders": {
        "parentFolder": "contactfolders",
        "participant": "participants",
    },
    "contactnotes": {
        "participant": "participants",
    },
    "contactrelationships": {
        "fromContact": "participants",
        "toContact": "participants",
    },
    "datacollection": {
        "actionType": "actiontypes",
    },
    "datacollectionfield": {
        "dataCollection": "datacollections",
        "tag": "tags",
    },
    "datacollectionfielddropdownchoices": {
        "dataCollection": "datacollections",
        "dataField": "datacollectionfields",
    },
    "datacollectionfields": {
        "dataCollection": "datacollections",
        "tag": "tags",
    },
    "datacollectionrecords": {
        "action": "actions",
        "dataCollection": "datacollections",
    },
    "datacollectionrecordvalues": {
        "action": "actions",
        "dataCollection": "datacollections",
        "dataCollectionField": "datacollectionfields",
        "dataCollectionRecord": "datacollectionrecords",
    },
    "datacollections": {
        "actionType": "actiontypes",
    },
    "disbursements": {
        "action": "actions",
        "enteredByParticipant": "participants",
        "incomeAccount": "accounts",
        "taxCode": "taxcodes",
        "uom": "units",
    },
    "divisions": {
        "parent": "divisions",
        "participant": "participants",
    },
    "documenttemplates": {
        "actionType": "actiontypes",
        "createdBy": "participants",
        "modifiedBy": "participants",
    },
    "emailassociations": {
        "action": "actions",
        "email": "emails",
    },
    "emailattachments": {
        "email": "emails",
    },
    "emails": {
        "createdBy": "participants",
        "parent": "emails",
    },
    "filenotes": {
        "action": "actions",
        "document": "actiondocuments",
        "participant": "participants",
        "tags": "tags",
    },
    "nodes": {
        "actionType": "actiontypes",
        "parent": "nodes",
    },
    "participantadditionalnotificationmethods": {
        "participant": "participants",
    },
    "participantdatafielddropdownchoices": {
        "participantDataField": "participanttypedatafields",
        "participantType": "participanttypes",
    },
    "participantdefaulttypes": {
        "participant": "participants",
        "participantType": "participanttypes",
    },
    "participants": {
        "division": "divisions",
        "mailingCountry": "countries",
        "physicalCountry": "countries",
    },
    "participanttypedatafields": {
        "participantType": "participanttypes",
        "tag": "tags",
    },
    "phonerecords": {
        "action": "actions",
        "fromParticipant": "participants",
        "toParticipant": "participants",
    },
    "quickcodes": {
        "rate": "rates",
    },
    "rates": {
        "unit": "units",
    },
    "steps": {
        "actionType": "actiontypes",
        "assignToParticipantType": "participanttypes",
    },
    "tags": {
        "parentTag": "tags",
    },
    "tasks": {
        "action": "actions",
        "assignee": "participants",
        "confirmedNonBillableBy": "participants",
        "linkedDataCollection": "datacollections",
        "linkedDocumentTemplate": "documenttemplates",
        "rate": "rates",
        "template": "tasktemplates",
        "triggerDataCollection": "datacollections",
    },
    "tasktemplates": {
        "actionType": "actiontypes",
        "activity": "timerecordactivities",
        "dataCollection": "datacollections",
        "defaultRate": "rates",
        "participantType": "participanttypes",
        "tag": "tags",
        "template": "documenttemplates",
    },
    "taxcodes": {
        "nextGstCode": "taxcodes",
        "previousGstCode": "taxcodes",
    },
    "timeentries": {
        "action": "actions",
        "createdBy": "participants",
        "owner": "participants",
        "phoneRecord": "phonerecords",
        "quickCode": "quickcodes",
        "rate": "rates",
        "task": "tasks",
        "utbmsActivityCode": "utbmscodes",
        "utbmsTaskCode": "utbmscodes",
        "utbmsTimekeeperCode": "utbmscodes",
    },
    "timerecordactivities": {
        "divisions": "divisions",
    },
    "timerecords": {
        "action": "actions",
        "activity": "timerecordactivities",
        "createdBy": "participants",
        "division": "divisions",
        "owner": "participants",
        "rate": "rates",
        "task": "tasks",
    },
    "users": {
        "defaultRate": "rates",
        "division": "divisions",
        "participant": "participants",
    },
}
