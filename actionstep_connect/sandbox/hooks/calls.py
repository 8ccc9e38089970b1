"""Call what is registered for an event, in the background: one call of a hook after the other."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx2
from django.db import connection

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.hooks.events import Event, events_of
from actionstep_connect.sandbox.hooks.payloads import payload
from actionstep_connect.sandbox.models import Grant, HookOwner
from actionstep_connect.sandbox.rest.errors import MEDIA_TYPE
from actionstep_connect.sandbox.rest.values import timestamp
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Change, Firm, Row, store
from actionstep_connect.sandbox.switchboard import Notification, switchboard

ACTIVE, DISABLED, DELETED = "Active", "Disabled", "Deleted"
USER_AGENT = "Actionstep-Sandbox"


@dataclass(frozen=True)
class Call:
    """One event on its way to one hook."""

    hook: str
    event: Event
    viewer: Viewer
    epoch: int

    @property
    def lane(self) -> tuple[str, str]:
        return self.viewer.firm.orgkey, self.hook


class Calls:
    """Queues calls; each hook has a thread of its own for as long as there is something for it."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, str], deque[Call]] = {}
        self._changed = threading.Condition()
        # No certificates: only http:// on this machine is called.
        self._http = httpx2.Client(
            follow_redirects=False,
            trust_env=False,
            verify=False,
            headers={"User-Agent": USER_AGENT},
        )

    def notify(self, firm: Firm, changes: Sequence[Change]) -> None:
        """Queue what hooks are to hear of these changes, and return at once."""
        hooks = [row for row in firm.table("resthooks").values() if row["status"] == ACTIVE]
        if not hooks:
            return
        for event in events_of(changes):
            for hook in hooks:
                if hook["eventName"] == event.name:
                    self._queue(str(hook["id"]), event, firm)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to call, so long at most; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lanes, seconds)

    def _queue(self, hook: str, event: Event, firm: Firm) -> None:
        viewer = _viewer(hook, firm)
        if viewer is None or not _sees(viewer, event):
            return
        call = Call(hook, event, viewer, switchboard.epoch)
        with self._changed:
            if call.lane in self._lanes:
                self._lanes[call.lane].append(call)
                return
            self._lanes[call.lane] = deque([call])
        threading.Thread(target=self._drain, args=(call.lane,), daemon=True).start()

    def _drain(self, lane: tuple[str, str]) -> None:
        try:
            while call := self._next(lane):
                self._make(call)
        except BaseException:
            with self._changed:
                del self._lanes[lane]
                self._changed.notify_all()
            raise
        finally:
            connection.close()

    def _next(self, lane: tuple[str, str]) -> Call | None:
        with self._changed:
            if self._lanes[lane]:
                return self._lanes[lane].popleft()
            del self._lanes[lane]
            self._changed.notify_all()
            return None

    def _make(self, call: Call) -> None:
        hook = _count(call)
        if hook is None:
            return
        body = payload(call.event, hook, call.viewer, switchboard.options.hook_body)
        status, problem = self._post(hook["targetUrl"], body)
        if status != httpx2.codes.OK:
            # The old wiki has 401 delete a hook; what Actionstep does today is not known.
            _set_status(call, DELETED if status == httpx2.codes.UNAUTHORIZED else DISABLED)
        notification = Notification(
            at=clock.now(),
            orgkey=call.viewer.firm.orgkey,
            hook=int(call.hook),
            event=call.event.name,
            resource=call.event.resource,
            id=str(call.event.row["id"]),
            target=hook["targetUrl"],
            status=status,
            problem=problem,
        )
        switchboard.note_call(notification, epoch=call.epoch)

    def _post(self, target: str, body: bytes) -> tuple[int | None, str]:
        """Return the status of the answer, or what came instead of one."""
        if not is_loopback(target):
            return None, "not called: the sandbox calls http:// addresses of this machine only"
        headers = {"Content-Type": MEDIA_TYPE}
        timeout = switchboard.options.hook_timeout
        try:
            with self._http.stream(
                "POST", target, content=body, headers=headers, timeout=timeout
            ) as response:
                return response.status_code, ""
        except httpx2.TimeoutException:
            return None, f"no answer within {timeout:g} seconds"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return None, type(error).__name__


def is_loopback(url: str) -> bool:
    """Return whether an address is http:// on this machine."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.port == 0:
            return False
        return parts.hostname == "localhost" or ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _viewer(hook: str, firm: Firm) -> Viewer | None:
    """Return the user who registered a hook: what they may not see, it is not told."""
    owners = Grant.objects.select_related("membership__person", "membership__organisation")
    owned = HookOwner.objects.filter(orgkey=firm.orgkey, hook=hook)
    grant = owners.filter(pk__in=owned.values("grant")).first()
    return Viewer(grant, firm) if grant else None


def _sees(viewer: Viewer, event: Event) -> bool:
    is_granted = viewer.has_scope(*RESOURCES[event.resource].scopes)
    return is_granted and viewer.sees(event.resource, event.row)


def _count(call: Call) -> Row | None:
    """Note that a hook is called; return it, or None if it is to hear nothing any more."""
    with store.changing(call.viewer.firm.orgkey) as draft:
        hook = draft.table("resthooks").get(call.hook)
        if hook is None or hook["status"] != ACTIVE or hook["eventName"] != call.event.name:
            return None
        if call.epoch != switchboard.epoch:
            return None
        moment = timestamp(clock.now(), draft.zone)
        count = (hook["triggeredCount"] or 0) + 1
        counted = {**hook, "triggeredCount": count, "triggeredLastTimestamp": moment}
        draft.put("resthooks", call.hook, counted)
        return counted


def _set_status(call: Call, status: str) -> None:
    with store.changing(call.viewer.firm.orgkey) as draft:
        hook = draft.table("resthooks").get(call.hook)
        if hook is not None and call.epoch == switchboard.epoch:
            draft.put("resthooks", call.hook, {**hook, "status": status})


calls = Calls()
