"""The fewest members that `ACTIONSTEP_CONNECT` needs, for tests that change one of them."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

SECRET = "canary-secret"
#: The same in each of xdist's workers, because test ids hold it; not written out, because a key that
#: this repository shows is refused.
KEY = urlsafe_b64encode(sha256(b"the tests' key").digest()).decode()

#: For Actionstep's production environment.
MINIMAL: dict[str, Any] = {
    "CLIENT_ID": "an-id",
    "CLIENT_SECRET": SECRET,
    "SCOPES": ["timerecords", "actions"],
    "ENCRYPTION_KEYS": [KEY],
}
#: For the sandbox, at an address where nothing listens.
SANDBOX: dict[str, Any] = {
    **MINIMAL,
    "ENVIRONMENT": "sandbox",
    "AUTHORIZE_URL": "http://127.0.0.1:8801/api/oauth/authorize",
    "TOKEN_URL": "http://127.0.0.1:8801/api/oauth/token",
    "API_HOSTS": ["127.0.0.1:8801"],
}
