"""URLs of the example site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from example_project.views import home, time_records

urlpatterns = [
    path("", home, name="home"),
    path("time-records/", time_records, name="time_records"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("actionstep/", include("actionstep_connect.urls")),
    path("admin/", admin.site.urls),
]
