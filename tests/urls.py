"""URLs of the site the tests run in."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from actionstep_connect.contrib.prometheus import metrics

urlpatterns = [
    path("actionstep/", include("actionstep_connect.urls")),
    path("actionstep/hooks/", include("actionstep_connect.hooks.urls")),
    path("admin/", admin.site.urls),
    path("metrics/", metrics),
    path("login/", LoginView.as_view(template_name="admin/login.html"), name="login"),
]
