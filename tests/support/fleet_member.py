"""One process of `fleet`: it makes a request, prints what it ended in, and ends at once."""

import asyncio
import json
import os
import sys
import time

import django
import time_machine

django.setup()

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient  # noqa: E402 - as above.
from actionstep_connect.client import errands  # noqa: E402
from actionstep_connect.exceptions import RateLimited  # noqa: E402
from actionstep_connect.models import Connection  # noqa: E402


def call(key: str) -> None:
    """Make the request."""
    with ActionstepClient(Connection.objects.get(pk=key), max_wait=0) as actionstep:
        actionstep.get("timerecords")


async def acall(key: str) -> None:
    """Make the request in async code."""
    connection = await Connection.objects.aget(pk=key)
    async with AsyncActionstepClient(connection, max_wait=0) as actionstep:
        await actionstep.get("timerecords")


given = json.loads(os.environ["FLEET_OF_A_TEST"])
if given["is_patient"]:
    errands.TIMEOUT = errands.FIRST_TIMEOUT = 20.0
if skew := given.get("skew"):
    time_machine.travel(time.time() + skew).start()
try:
    asyncio.run(acall(given["connection"])) if given["is_async"] else call(given["connection"])
except RateLimited as error:
    sys.stdout.write(json.dumps([type(error).__name__, error.retry_after]))
else:
    sys.stdout.write(json.dumps(["", None]))
