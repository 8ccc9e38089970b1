"""Its endpoints, at the root: then its issuer (RFC 9207) is its origin, as Actionstep's would be."""

from django.contrib.auth.views import LoginView
from django.urls import path
from oauth2_provider.views import AuthorizationView, TokenView

urlpatterns = [
    path("authorize/", AuthorizationView.as_view(), name="authorize"),
    path("token/", TokenView.as_view(), name="token"),
    path("login/", LoginView.as_view(template_name="sign_in.html"), name="login"),
]
