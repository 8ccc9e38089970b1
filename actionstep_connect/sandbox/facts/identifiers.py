"""How text ids are made of the values of a row."""

from collections.abc import Mapping

from actionstep_connect.sandbox.facts.resource import Identifier

IDENTIFIERS: Mapping[str, Identifier] = {
    "actionparticipants": Identifier(
        ("links.action", "links.participantType", "links.participant")
    ),
    "actiontypeparticipanttypes": Identifier(("actionType", "links.participantType")),
    "contactrelationships": Identifier(
        ("relationship", "links.fromContact", "links.toContact"), separator="-"
    ),
    "culturalidentity": Identifier(("identity",)),
    "datacollectionfields": Identifier(("links.dataCollection", "name")),
    "datacollectionfielddropdownchoices": Identifier(("links.dataField", "name")),
    "datacollectionrecordvalues": Identifier(
        ("links.dataCollectionField", "links.dataCollectionRecord")
    ),
    "disabilitystatus": Identifier(("status",)),
    "gendertypes": Identifier(("genderTypeName",)),
    "participantdatafielddropdownchoices": Identifier(("links.participantDataField", "name")),
    "participantdefaulttypes": Identifier(("links.participant", "links.participantType")),
    "participantrelationshiptypes": Identifier(("category", "relationshipType")),
    "primarylanguage": Identifier(("language",)),
    "steps": Identifier(("links.actionType", "stepNumber")),
    "utbmscodes": Identifier(("utbmsCode",)),
}
