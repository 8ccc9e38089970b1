"""What the running sandbox remembers besides its database; every thread shares it."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, RLock

from django.http import HttpRequest

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.faults import Fault
from actionstep_connect.sandbox.options import Options

ACTIVITY_KEPT = 2000


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One request as Actionstep would log it: against the authorizing end-user."""

    at: datetime
    method: str
    resource: str
    status: int | None
    """None: the connection was dropped without an answer."""
    user: str
    orgkey: str
    client_id: str
    user_agent: str


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One call of a hook."""

    at: datetime
    orgkey: str
    hook: int
    event: str
    resource: str
    id: str
    target: str
    status: int | None
    """None: no answer came, and `problem` says why."""
    problem: str


@dataclass(eq=False)
class ArmedFault:
    fault: Fault
    times: int | None
    skip: int


@dataclass
class Switchboard:
    defaults: Options = field(default_factory=Options)
    options: Options = field(default_factory=Options)
    base_url: str = "http://127.0.0.1/"
    #: One more after each reset.
    epoch: int = 0
    faults: list[ArmedFault] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    activity: deque[Activity] = field(default_factory=lambda: deque(maxlen=ACTIVITY_KEPT))
    notifications: deque[Notification] = field(default_factory=lambda: deque(maxlen=ACTIVITY_KEPT))
    verbose: bool = False
    stopping: Event = field(default_factory=Event)
    lock: RLock = field(default_factory=RLock)
    # SQLite lets one writer in at a time, and polls; a queue here is fairer and faster.
    rotation: RLock = field(default_factory=RLock)
    _recent: dict[str, deque[float]] = field(default_factory=dict)

    def configure(self, *, options: Options, base_url: str, verbose: bool) -> None:
        self.defaults = self.options = options
        self.base_url = base_url
        self.verbose = verbose

    def forget(self) -> None:
        """Go back to the options of the start: no faults, no counts, no log, no user signed in."""
        clock.put_back()
        with self.lock:
            self.options = self.defaults
            self.epoch += 1
            self.faults.clear()
            self.counters.clear()
            # Another one: what is still served counts itself out of the former.
            self.in_flight = Counter()
            self.activity.clear()
            self.notifications.clear()
            self._recent.clear()

    def arm(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(ArmedFault(fault, fault.times, fault.skip))

    def take_fault(self, endpoint: str, request: HttpRequest) -> Fault | None:
        """Return the fault that this request meets, and use it up by one."""
        with self.lock:
            candidates = [armed for armed in self.faults if armed.fault.endpoint == endpoint]
        for armed in candidates:
            if armed.fault.matches(request) and self._use(armed):
                return armed.fault
        return None

    def _use(self, armed: ArmedFault) -> bool:
        with self.lock:
            if armed not in self.faults:
                return False
            if armed.skip:
                armed.skip -= 1
                return False
            if armed.times is not None:
                armed.times -= 1
                if armed.times <= 0:
                    self.faults.remove(armed)
            return True

    def count(self, name: str) -> None:
        with self.lock:
            self.counters[name] += 1

    def note(self, entry: Activity, *, epoch: int) -> None:
        """Log a request, unless the sandbox was reset since `epoch`, when it came."""
        with self.lock:
            if epoch == self.epoch:
                self.activity.appendleft(entry)

    def note_call(self, notification: Notification, *, epoch: int) -> None:
        """Log a call of a hook, unless the sandbox was reset since `epoch`."""
        with self.lock:
            if epoch == self.epoch:
                self.notifications.appendleft(notification)

    @contextmanager
    def serving(self, endpoint: str) -> Iterator[None]:
        """Note how many requests of this kind are served at once."""
        with self.lock:
            in_flight = self.in_flight
            in_flight[endpoint] += 1
            most = f"most_{endpoint}_requests_at_once"
            self.counters[most] = max(self.counters[most], in_flight[endpoint])
        try:
            yield
        finally:
            with self.lock:
                in_flight[endpoint] -= 1

    def seconds_to_wait(self, key: str, limit: int) -> float:
        """Return 0 when one more API request of this kind is within `limit` a minute; count it."""
        if not limit:
            return 0
        now = clock.now().timestamp()
        with self.lock:
            recent = self._recent.setdefault(key, deque())
            while recent and recent[0] <= now - 60:
                recent.popleft()
            if len(recent) >= limit:
                return recent[0] + 60 - now
            recent.append(now)
            return 0


switchboard = Switchboard()
