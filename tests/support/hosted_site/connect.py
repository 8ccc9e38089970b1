"""URLs of the host that has the pages of this package, as REDIRECT_URI says."""

from django.urls import include, path

urlpatterns = [path("actionstep/", include("actionstep_connect.urls"))]
