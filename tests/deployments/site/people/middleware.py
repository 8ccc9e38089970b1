"""Signing in by a header, as behind a proxy that knows the user."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def sign_in(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Take the user from `X-User`; one who is new is stored. Who calls without it is left alone."""
    name, model = get_user_model().USERNAME_FIELD, get_user_model()

    async def answer_async(request: HttpRequest) -> Any:
        if "X-User" not in request.headers:
            return await get_response(request)
        wanted: Any = {name: request.headers["X-User"]}
        request.user, _ = await model._default_manager.aget_or_create(**wanted)

        async def user() -> Any:
            return request.user

        request.auser = user
        return await get_response(request)

    def answer(request: HttpRequest) -> Any:
        if "X-User" not in request.headers:
            return get_response(request)
        wanted: Any = {name: request.headers["X-User"]}
        request.user, _ = model._default_manager.get_or_create(**wanted)
        return get_response(request)

    return answer_async if iscoroutinefunction(get_response) else answer
