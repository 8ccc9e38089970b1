"""`path("actionstep/hooks/", include("actionstep_connect.hooks.urls"))`."""

from django.urls import re_path

from actionstep_connect.hooks.addresses import NAMESPACE, VIEW
from actionstep_connect.hooks.views import receive
from actionstep_connect.logs import HOOK_SECRET

app_name = NAMESPACE

urlpatterns = [re_path(rf"^(?P<secret>{HOOK_SECRET})/$", receive, name=VIEW)]
