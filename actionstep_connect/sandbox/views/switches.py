"""The switches as JSON, for tests."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.sandbox import editing, switches
from actionstep_connect.sandbox.hooks.calls import calls
from actionstep_connect.sandbox.practice.firms import reset

MAX_WAIT = 8
"""Seconds: how long a switch that changes rows waits until the hooks have been called."""

Switch = Callable[[Any], object]


def _reset(_: Any) -> object:
    reset()
    return {"reset": True}


def _faults(data: Any) -> object:
    switches.add_faults(data)
    return {"faults": switches.state()["faults"]}


def _options(data: Any) -> object:
    switches.change_options(data)
    return {"options": switches.state()["options"]}


def _issue(data: Any) -> object:
    issued = switches.issue(data)
    return {"tokens": issued} if "count" in data else issued[0]


def _change(data: Any) -> object:
    row = editing.change(data)
    return {"row": row, "notified": calls.wait(MAX_WAIT)}


def _add(data: Any) -> object:
    row = editing.add(data)
    return {"row": row, "notified": calls.wait(MAX_WAIT)}


def _remove(data: Any) -> object:
    editing.remove(data)
    return {"removed": True, "notified": calls.wait(MAX_WAIT)}


SWITCHES: dict[str, Switch] = {
    "reset": _reset,
    "faults": _faults,
    "options": _options,
    "revoke": lambda data: {"revoked": switches.revoke(data)},
    "expire": lambda data: {"expired": switches.expire(data)},
    "issue": _issue,
    "change": _change,
    "add": _add,
    "remove": _remove,
    "advance": lambda data: {"now": switches.advance(data)},
}


def state(request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        return _refuse("GET only.", status=405)
    return JsonResponse(switches.state())


@csrf_exempt
def switch(request: HttpRequest, name: str) -> HttpResponse:
    """Turn one switch; the body is JSON, and may be empty where nothing must be said."""
    if _comes_from_elsewhere(request):
        return _refuse("Other sites may not turn switches.", status=403)
    if name not in SWITCHES:
        return _refuse(f"No such switch; there are {', '.join(SWITCHES)}.", status=404)
    if request.method == "DELETE" and name == "faults":
        switches.clear_faults()
        return JsonResponse({"faults": []})
    if request.method != "POST":
        return _refuse("POST only.", status=405)
    try:
        data = json.loads(request.body or b"{}")
        if not isinstance(data, dict) and name != "faults":
            raise ValueError("Send a JSON object.")  # noqa: TRY301 (one answer for all of them)
        return JsonResponse(SWITCHES[name](data))
    except RecursionError:
        return _refuse("The body is too deep.")
    except ValueError as error:
        return _refuse(str(error))


def _comes_from_elsewhere(request: HttpRequest) -> bool:
    origin = request.headers.get("Origin")
    return origin is not None and origin != f"http://{request.get_host()}"


def _refuse(problem: str, *, status: int = 400) -> HttpResponse:
    return JsonResponse({"problem": problem}, status=status)
