"""URLs of that site."""

from django.contrib import admin
from django.urls import include, path

from benchmarks.bare_site.settings import WITH_APP

urlpatterns = [path("admin/", admin.site.urls)]
if WITH_APP:
    urlpatterns.append(path("actionstep/", include("actionstep_connect.urls")))
