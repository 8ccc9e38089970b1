"""Keeping hooks alive: organisation by organisation, what is wanted is compared with what is there.

    UPDATE organisation SET lease … WHERE check_at <= now AND free      -- claim: one worker at a time
    GET resthooks                                                       -- what Actionstep has
    UPDATE subscription SET gap_since = active_at …                     -- what may have been missed, first
    INSERT INTO address …; POST resthooks; UPDATE address SET hook_id   -- what is missing
    DELETE resthooks/1,2,3                                              -- what is wanted no more

An address is stored before its hook is registered, so that a call finds it, and so that a hook whose
answer was lost is known by its address with the next check. No transaction is open during a request.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from actionstep_connect.client import ActionstepClient
from actionstep_connect.flows.database import DATABASE_UNAVAILABLE
from actionstep_connect.hooks.flows.bearers import find_bearer
from actionstep_connect.hooks.flows.catch_up import catch_up
from actionstep_connect.hooks.flows.organisations import (
    Turn,
    TurnLostError,
    claim_organisation,
    find_organisations,
    update_wanted,
)
from actionstep_connect.hooks.flows.reading import MAX_WAIT, TROUBLE
from actionstep_connect.hooks.flows.registering import Registrar
from actionstep_connect.hooks.models import Registration
from actionstep_connect.hooks.plan import plan
from actionstep_connect.logs import without_hook_secrets

#: Seconds in which one round begins with another organisation.
ROUND = 25.0


def keep_hooks(*, should_stop: Callable[[], bool] = lambda: False, seconds: float = ROUND) -> int:
    """Look at the hooks of each organisation whose turn it is; return how many that were."""
    until, count = time.monotonic() + seconds, 0
    find_organisations()
    while not should_stop() and time.monotonic() < until and (turn := claim_organisation()):
        count += 1
        _take(turn)
    return count


def _take(turn: Turn) -> None:
    orgkey = turn.organisation.orgkey
    if not update_wanted(turn.organisation) and not turn.has_hooks():
        turn.rest()
        return
    bearer, why_not = find_bearer(orgkey)
    if bearer is None:
        turn.subscriptions().filter(is_wanted=True).update(registration=Registration.SILENT)
        turn.fail(why_not)
        return
    turn.bearer = bearer
    try:
        with ActionstepClient(bearer, max_wait=MAX_WAIT) as actionstep:
            _keep(Registrar(turn, bearer, actionstep))
    except TurnLostError:
        return  # The other one looks at everything again.
    except TROUBLE as error:
        turn.fail(without_hook_secrets(f"{type(error).__name__}: {error}"))
    except DATABASE_UNAVAILABLE:
        raise
    except Exception as error:  # noqa: BLE001 - what one organisation meets stops no other.
        turn.fail(type(error).__name__, with_traceback=True)
    else:
        turn.succeed()


def _keep(registrar: Registrar) -> None:
    turn, begun = registrar.turn, datetime.now(UTC)
    hooks = registrar.hooks()
    wanted = turn.wanted()
    found = plan(hooks, registrar.addresses(), wanted, bearer=registrar.bearer.pk)
    registrar.note_silent({wanted[key]: hook for key, hook in found.silent.items()})
    for key, hook in found.confirmed.items():
        registrar.confirm(wanted[key], hook, at=begun)
    for key in found.register:
        registrar.register(wanted[key])
    registrar.remove(found.remove)
    catch_up(turn, registrar.bearer, registrar.actionstep)
