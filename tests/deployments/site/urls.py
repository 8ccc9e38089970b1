"""URLs of the site."""

from django.apps import apps
from django.urls import include, path

from tests.deployments.site import views

urlpatterns = [
    path("actionstep/", include("actionstep_connect.urls")),
    path("use/", views.use),
    path("use/async/", views.use_async),
    path("use/then-fail/", views.use_then_fail),
    path("maintain/then-fail/", views.maintain_then_fail),
    path("plain/", views.plain),
]

if apps.is_installed("actionstep_connect.hooks"):
    urlpatterns += [path("actionstep/hooks/", include("actionstep_connect.hooks.urls"))]
