"""The database: which one, which of its connections, and writing to it until it is done.

The connection that will store an answer is the one that makes the claim, and a claim that it cannot
see is never sent. It is the caller's own (`shield`), or one of this package's where the caller's is no
use: inside the caller's transaction, in asynchronous code, and in a known outage (`autonomous`). Such
a one has to prove that it reaches the caller's table (`place`) before anything is claimed.
"""

from actionstep_connect.flows.database.autonomous import (
    OwnConnection,
    aautonomously,
    apart,
    autonomously,
    commit_independently,
)
from actionstep_connect.flows.database.lines import finish_under_way
from actionstep_connect.flows.database.locks import is_locked, update_if_free, update_unlocked
from actionstep_connect.flows.database.place import Place, at
from actionstep_connect.flows.database.primary import (
    DATABASE_UNAVAILABLE,
    drop_lost_connection,
    in_callers_transaction,
    in_test_case,
    is_read_only,
    primary_alias,
    primary_connections,
    renew_database_connection,
)
from actionstep_connect.flows.database.refusals import out_of_sight, refuse_on_sqlite
from actionstep_connect.flows.database.retries import (
    Backoff,
    retry_unless_locked,
    retry_while_unavailable,
)
from actionstep_connect.flows.database.shield import CallersConnection, shielded

__all__ = [
    "DATABASE_UNAVAILABLE",
    "Backoff",
    "CallersConnection",
    "OwnConnection",
    "Place",
    "aautonomously",
    "apart",
    "at",
    "autonomously",
    "commit_independently",
    "drop_lost_connection",
    "finish_under_way",
    "in_callers_transaction",
    "in_test_case",
    "is_locked",
    "is_read_only",
    "out_of_sight",
    "primary_alias",
    "primary_connections",
    "refuse_on_sqlite",
    "renew_database_connection",
    "retry_unless_locked",
    "retry_while_unavailable",
    "shielded",
    "update_if_free",
    "update_unlocked",
]
