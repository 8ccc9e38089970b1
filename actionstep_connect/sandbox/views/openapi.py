"""The REST API's own description."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from actionstep_connect.sandbox import tokens
from actionstep_connect.sandbox.rest.openapi import document


@require_safe
def openapi(_request: HttpRequest) -> JsonResponse:
    servers = [{"url": f"http://{tokens.api_host()}/api/rest"}]
    return JsonResponse({**document(), "servers": servers})
