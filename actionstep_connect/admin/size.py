"""How large a table is, without reading it: sites may hold a million connections.

Their keys are random (UUID version 4), so where the n-th key lies says how many there are, and the rows up
to it are a fair sample of all.
"""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import IntegerField, QuerySet, Subquery

from actionstep_connect.models import Connection

#: Rows of a sample: few enough to be read in milliseconds, enough to be right to 2 %.
SAMPLE = 5_000
#: From so many connections on, figures are estimated, and a search begins with names' beginnings.
LARGE = 100_000
#: No list goes further than this.
MAX_LISTED = 50_000


class Size(NamedTuple):
    """About how many connections there are, and where the sample of them ends."""

    rows: int = 0
    last_sampled: uuid.UUID | None = None
    #: What was asked for beside it; empty where there are too few connections for a sample.
    numbers: Mapping[str, int] = MappingProxyType({})

    @property
    def is_large(self) -> bool:
        """Whether looking at every connection takes too long for a page."""
        return self.rows > LARGE

    @property
    def factor(self) -> float:
        """How many connections one of the sample stands for."""
        return self.rows / SAMPLE


def size_of_table(**numbers: "LimitedCount") -> Size:
    """Return about how many connections there are in all environments; a few are not counted at all.

    SELECT id, … ORDER BY id OFFSET 4999 LIMIT 1, served by the primary key.
    """
    rows = Connection.objects.order_by("pk").values_list("pk", *numbers.values())
    row: tuple[Any, ...] | None = rows[SAMPLE - 1 : SAMPLE].first()
    if row is None:
        return Size()
    key, *found = row
    rows_in_all = round(SAMPLE / _share_up_to(key, alias=rows.db))
    return Size(rows_in_all, key, dict(zip(numbers, found, strict=True)))


def _share_up_to(key: uuid.UUID, *, alias: str) -> float:
    """Return the share of all random keys that a database sorts up to this one."""
    database = connections[alias]
    # MariaDB's own type sorts by the last 48 bits first: https://mariadb.com/kb/en/uuid-data-type/
    if database.vendor == "mysql" and database.features.has_native_uuid_field:
        return float((key.node + 1) / 2**48)
    return float((key.int + 1) / 2**128)


class LimitedCount(Subquery):
    """Counts the rows of a queryset up to a limit, as a column of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS limited)"
    output_field = IntegerField()

    def __init__(self, rows: QuerySet[Any], *, limit: int = MAX_LISTED) -> None:
        super().__init__(rows.order_by().values("pk")[: limit + 1])
