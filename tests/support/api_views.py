"""API views of Django REST framework and Django Ninja, and tokens whose user only they find."""

from typing import Any

from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI
from ninja.security import HttpBearer, django_auth
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from actionstep_connect.contrib import ninja, rest_framework
from actionstep_connect.exceptions import ReconnectRequired, ScopeNotGranted

SALT = "api"


def token_of(user: User) -> str:
    """Return a signed token, as a JWT is one."""
    return signing.dumps(user.pk, salt=SALT)


def owner_of(token: str) -> User:
    """Return whose token it is. Raises BadSignature."""
    return User.objects.get(pk=signing.loads(token, salt=SALT))


def named(request: Any) -> str | None:
    """Return the organisation that a request names."""
    name: str | None = request.headers.get("X-Organisation")
    return name


class Bearer(BaseAuthentication):  # type: ignore[misc] # Django REST framework has no annotations.
    """Django REST framework's way to take a token."""

    def authenticate(self, request: Any) -> tuple[User, str] | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        try:
            return owner_of(token), token
        except signing.BadSignature as error:
            raise AuthenticationFailed("Wrong token") from error

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


needs_actions = rest_framework.connection_required(scopes=["actions"], orgkey=named)


class Rest(APIView):  # type: ignore[misc] # As above.
    authentication_classes = (Bearer, SessionAuthentication)
    permission_classes = (needs_actions,)

    def get(self, request: Any) -> Response:
        return Response({"user": str(request.user), "organisation": request.actionstep.orgkey})

    post = get


class Failing(Rest):
    def get(self, request: Any) -> Response:
        raise ReconnectRequired("Actionstep has ended it.")

    def post(self, request: Any) -> Response:
        raise ScopeNotGranted("The user has not granted bills.", scopes=["bills"])


class Set(ViewSet):  # type: ignore[misc] # As above.
    authentication_classes = Rest.authentication_classes
    permission_classes = Rest.permission_classes
    list = Rest.get


@api_view(["GET", "POST"])  # type: ignore[untyped-decorator] # As above.
@authentication_classes([Bearer, SessionAuthentication])  # type: ignore[untyped-decorator] # As above.
@permission_classes([needs_actions])  # type: ignore[untyped-decorator] # As above.
def rest_function(request: Any) -> Response:
    return Response({"user": str(request.user), "organisation": request.actionstep.orgkey})


class NinjaBearer(HttpBearer):
    """Django Ninja's way to take a token."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        try:
            return owner_of(token)
        except signing.BadSignature:
            return None


class AsyncNinjaBearer(HttpBearer):
    async def authenticate(self, request: HttpRequest, token: str) -> User | None:
        try:
            return await User.objects.aget(pk=signing.loads(token, salt=SALT))
        except signing.BadSignature:
            return None


class KeyBearer(HttpBearer):
    """Returns a key, as tokens of a table of their own are, and not its user."""

    def authenticate(self, request: HttpRequest, token: str) -> str:
        return token


api = NinjaAPI(auth=[NinjaBearer(), django_auth])
connected = ninja.connection_required(scopes=["actions"], orgkey=named)


@api.get("/sync")
@connected
def operation(request: Any, many: int = 1) -> dict[str, Any]:
    return {"user": str(request.auth), "organisation": request.actionstep.orgkey, "many": many}


@api.post("/sync")
@connected
def posted(request: Any) -> dict[str, Any]:
    return {"user": str(request.auth), "organisation": request.actionstep.orgkey}


@api.get("/async", auth=[AsyncNinjaBearer(), django_auth])
@connected
async def async_operation(request: Any, many: "int" = 1) -> dict[str, Any]:
    return {"user": str(request.auth), "organisation": request.actionstep.orgkey, "many": many}


@api.get("/failing")
@connected
def failing(request: Any) -> None:
    raise ReconnectRequired("Actionstep has ended it.")


@api.post("/failing")
@connected
async def async_failing(request: Any) -> None:
    raise ScopeNotGranted("The user has not granted bills.", scopes=["bills"])


@api.get("/nobody", auth=None)
@connected
def unauthenticated(request: Any) -> None:
    raise AssertionError


@api.get("/key", auth=KeyBearer())
@connected
def key(request: Any) -> None:
    raise AssertionError


@api.get("/owner", auth=KeyBearer())
@ninja.connection_required(user=lambda request: owner_of(request.auth))
def owner(request: Any) -> str:
    return str(request.actionstep.user)


async def async_owner_of(request: Any) -> User:
    """Be asynchronous."""
    return await User.objects.aget(pk=signing.loads(request.auth, salt=SALT))


@api.get("/async-owner", auth=KeyBearer())
@ninja.connection_required(user=async_owner_of)
async def async_owner(request: Any) -> str:
    return str(request.actionstep.user)


#: What each view is called in the tests.
VIEWS = {
    "rest": "/rest/",
    "rest-set": "/rest-set/",
    "rest-function": "/rest-function/",
    "ninja": "/ninja/sync",
    "ninja-async": "/ninja/async",
}
urls = [
    path("rest/", Rest.as_view()),
    path("rest-set/", Set.as_view({"get": "list"})),
    path("rest-function/", rest_function),
    path("rest-failing/", Failing.as_view()),
    path("ninja/", api.urls),
]
