from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.sandbox.authorization import SandboxAuthorizationServer
from actionstep_connect.sandbox.switchboard import switchboard

FORM = "application/x-www-form-urlencoded"

server = SandboxAuthorizationServer()


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code, or rotate a refresh token; RFC 6749, sections 4.1.3 and 6."""
    if request.method != "POST":
        return _refuse("The token endpoint takes POST only.", status=405)
    if request.content_type != FORM:
        return _refuse(f"The body must be {FORM}.")
    if request.GET:
        return _refuse("Parameters belong into the body.")
    if any(len(values) > 1 for _, values in request.POST.lists()):
        return _refuse("No parameter may come twice.")
    # A refusal must be kept too: it may have revoked a family. So nothing here rolls back.
    with switchboard.rotation, transaction.atomic():
        response: HttpResponse = server.create_token_response(request)
    if response.status_code == 200:
        response["Content-Type"] = switchboard.options.content_type
    return response


def _refuse(description: str, *, status: int = 400) -> HttpResponse:
    body = {"error": "invalid_request", "error_description": description}
    response = JsonResponse(body, status=status)
    if status == 405:
        response["Allow"] = "POST"
    return response
