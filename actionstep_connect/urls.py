"""`path("actionstep/", include("actionstep_connect.urls"))`."""

from django.urls import path

from actionstep_connect import views

app_name = "actionstep_connect"

urlpatterns = [
    path("", views.connections, name="connections"),
    path("health/", views.health, name="health"),
    path("connect/", views.connect, name="connect"),
    path("callback/", views.callback, name="callback"),
    path("disconnect/<uuid:connection_id>/", views.disconnect, name="disconnect"),
]
