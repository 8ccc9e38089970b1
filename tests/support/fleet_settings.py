"""Settings of the processes of `fleet`: the tests' settings, on that test's database and cache."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import ACTIONSTEP_CONNECT, DATABASES

_given = json.loads(os.environ["FLEET_OF_A_TEST"])
ACTIONSTEP_CONNECT |= _given["values"]
DATABASES["default"] |= _given["database"]
CACHES = _given["caches"]
