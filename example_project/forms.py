"""What one can ask of one's time records, and how to add to them."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.timezone import localdate, make_aware

from actionstep_connect.client.rows import ActionsRow

Row = dict[str, Any]

START_OF_WORK: Final = time(9)
"""Actionstep wants to know when work began; the form asks for the day only."""


class DateInput(forms.DateInput):
    """The browser's own date picker."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class FilterForm(forms.Form):
    """Narrow the list down by words and by dates."""

    label_suffix = ""
    text = forms.CharField(label="Description contains", required=False, max_length=100)
    since = forms.DateField(label="From", required=False, widget=DateInput())
    until = forms.DateField(label="To", required=False, widget=DateInput())

    def clean(self) -> dict[str, Any]:
        """Refuse a time that ends before it begins."""
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "This is before the first day.")
        return values

    def query(self) -> dict[str, str]:
        """Return the filter in the words of Actionstep's API."""
        values = self.cleaned_data
        query = {"notes_ilike": f"*{values['text']}*"} if values["text"] else {}
        if values["since"]:
            query["startTimestamp_gteq"] = _moment(values["since"])
        if values["until"]:
            query["startTimestamp_lt"] = _moment(values["until"] + timedelta(days=1))
        return query


class TimeRecordForm(forms.Form):
    """One piece of work."""

    label_suffix = ""
    day = forms.DateField(label="Date", initial=localdate, widget=DateInput())
    hours = forms.DecimalField(
        min_value=Decimal("0.1"), max_value=24, decimal_places=2, step_size=Decimal("0.05")
    )
    matter = forms.ChoiceField()
    description = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    is_billable = forms.BooleanField(label="Billable", required=False, initial=True)

    def __init__(self, *args: Any, matters: Iterable[ActionsRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(str(row["id"]), f"{row['name']} ({row['reference']})") for row in matters]
        self.fields["matter"] = forms.ChoiceField(choices=[("", "Choose one"), *names])

    def row(self) -> Row:
        """Return the row to create, as Actionstep's API wants it."""
        values = self.cleaned_data
        hours = float(values["hours"])
        return {
            "startTimestamp": _moment(values["day"], START_OF_WORK),
            "actualHours": hours,
            "billableHours": hours if values["is_billable"] else 0,
            "notes": values["description"],
            "links": {"action": values["matter"]},
        }


def _moment(day: date, at: time = time.min) -> str:
    """Return a moment with the site's offset; Actionstep takes one without for UTC."""
    return make_aware(datetime.combine(day, at)).isoformat()
