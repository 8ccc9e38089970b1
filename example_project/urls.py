"""URLs of the example site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from example_project.views import changes, file_notes, home, record_time, time_records

urlpatterns = [
    path("", home, name="home"),
    path("time-records/", time_records, name="time_records"),
    path("time-records/new/", record_time, name="record_time"),
    path("matters/<int:matter>/file-notes/", file_notes, name="file_notes"),
    path("changes/", changes, name="changes"),
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("actionstep/", include("actionstep_connect.urls")),
    path("actionstep/hooks/", include("actionstep_connect.hooks.urls")),
    path("admin/", admin.site.urls),
]
