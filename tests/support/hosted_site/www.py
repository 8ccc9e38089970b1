"""URLs of the host that has everything else."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required

PAGE = (
    "{% load actionstep_connect %}{% actionstep_connection_alert %}"
    "{% actionstep_connect_button next='/home/' %}"
)


def home(request: HttpRequest) -> HttpResponse:
    """Show a page with both tags on it."""
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


@actionstep_connection_required()
def matters(request: ActionstepRequest) -> HttpResponse:
    """Show a page that needs a connection."""
    return HttpResponse(f"connected to {request.actionstep.orgkey}")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("home/", home),
    path("login/", home, name="login"),
    path("matters/", matters),
]
