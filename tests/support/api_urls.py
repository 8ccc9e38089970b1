"""URLs of a site with API views, for ROOT_URLCONF."""

from django.http import HttpResponse
from django.urls import path

from actionstep_connect.api import ActionstepRequest, actionstep_connection_required
from tests.support.api_views import urls
from tests.urls import urlpatterns as site_urls


@actionstep_connection_required(scopes=["actions"])
def plain(request: ActionstepRequest) -> HttpResponse:
    """Be what the others are compared with."""
    return HttpResponse(request.actionstep.orgkey)


urlpatterns = [*site_urls, *urls, path("plain/", plain)]
