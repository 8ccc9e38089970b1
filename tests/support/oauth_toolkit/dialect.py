"""What Actionstep says beyond the standards: two more members in each token answer."""

from typing import Any

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore

from tests.support.oauth_toolkit.vocabulary import ORGKEY


class Actionstep(OAuthLibCore):  # type: ignore[misc]  # It ships no annotations.
    """django-oauth-toolkit's own backend, with Actionstep's additions."""

    def _get_extra_credentials(self, request: HttpRequest) -> dict[str, Any]:
        return {"api_endpoint": f"http://{request.get_host()}/api/", "orgkey": ORGKEY}
