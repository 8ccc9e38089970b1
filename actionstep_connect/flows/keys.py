"""Which keys the rows need, read from the outside of their envelopes: no token is opened here."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import models, router
from django.db.models import Count, Q
from django.db.models.functions import Substr

from actionstep_connect.conf import get_config
from actionstep_connect.crypto import PREFIX_LENGTH, Context, get_key_ring, read_key_id
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import AuthorizationRequest, Connection
from actionstep_connect.models.authorization_request import CODE_VERIFIER
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN

#: Stands for the key of a value that this package did not seal.
NO_ENVELOPE = "?"


class Table(NamedTuple):
    """A model whose rows hold envelopes."""

    model: type[models.Model]
    #: The sealed columns, each with the field of its sealing context.
    columns: dict[str, str]
    #: What the sealing context is made of.
    identity: tuple[str, ...]
    #: Says what a row's envelope of one such field is bound to.
    context: Callable[[Any, str], Context]
    #: Which rows are still of use, beside being of the configured environment.
    of_use: Callable[[], Q] = Q

    @property
    def rows(self) -> "models.QuerySet[Any]":
        """The rows that this site may ever open again, on the primary.

        Another environment has keys of its own, and a site of its own to look after them.
        """
        rows = self.model._default_manager.using(router.db_for_write(self.model))
        return rows.filter(self.of_use(), environment=get_config().environment).order_by()


def _unfinished() -> Q:
    return Q(used_at=None, expires_at__gt=datetime.now(UTC))


TABLES = (
    Table(
        model=Connection,
        columns={"sealed_access_token": ACCESS_TOKEN, "sealed_refresh_token": REFRESH_TOKEN},
        identity=("user_id", "environment", "orgkey", "generation"),
        context=Connection.context,
    ),
    Table(
        model=AuthorizationRequest,
        columns={"sealed_code_verifier": CODE_VERIFIER},
        identity=("state_hash", "user_id", "environment", "orgkey"),
        context=lambda row, _: row.context(),
        of_use=_unfinished,
    ),
)


def count_rows_by_key() -> Counter[str]:
    """Return how many rows need each key id; a row that needs two is counted under both."""
    counts: Counter[str] = Counter()
    for table in TABLES:
        for key_ids, rows in _combinations(table):
            counts.update(dict.fromkeys(key_ids, rows))
    return counts


def missing_keys() -> dict[str, int]:
    """Return each key id that rows need and the key ring lacks, with the number of those rows."""
    known = get_key_ring().key_ids
    return {name: rows for name, rows in sorted(count_rows_by_key().items()) if name not in known}


def warn_of_missing_keys() -> None:
    """Log an error for each key that rows need and this process lacks; never raises."""
    try:
        missing = missing_keys()
    except (ImproperlyConfigured, TemporarilyUnavailable) as error:
        log(logging.ERROR, LogEvent.KEYS_UNAVAILABLE, f"{error} Nothing can be refreshed.")
        return
    except Exception as error:  # noqa: BLE001 - a database that is away, or not migrated.
        log(logging.WARNING, LogEvent.KEYS_UNKNOWN, error=type(error).__name__)
        return
    for name, rows in missing.items():
        log(
            logging.ERROR,
            LogEvent.KEY_MISSING,
            "ENCRYPTION_KEYS lacks it, so these connections cannot be refreshed. Put it back.",
            key=name,
            rows=rows,
        )


def _combinations(table: Table) -> Iterator[tuple[set[str], int]]:
    # SELECT SUBSTR(column, 1, 12), …, COUNT(*) … GROUP BY 1, …
    names = {
        f"prefix_of_{column}": Substr(column, 1, PREFIX_LENGTH, output_field=models.CharField())
        for column in table.columns
    }
    groups = table.rows.annotate(**names).values_list(*names).annotate(Count("pk")).order_by()
    for *prefixes, rows in groups:
        yield {read_key_id(prefix) or NO_ENVELOPE for prefix in prefixes if prefix}, rows
