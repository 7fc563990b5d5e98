"""Locust users who behave like customers of the shop, one act per arrival."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from locust import TaskSet, User, task
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from seatrial.load.openloop.client import Connections
from seatrial.load.openloop.dispatcher import Dispatcher, schedule
from seatrial.load.profile import ACTS
from seatrial.load.shop import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from seatrial.load.openloop.client import Reply
    from seatrial.load.openloop.dispatcher import Arrival
    from seatrial.load.openloop.plan import LoadPlan

_FIRST_ERROR = 400
_ORDERS_REMEMBERED = 1000
_MOST_OF_ONE = 3
_PAGE = 20
_JSON = "Content-Type: application/json\r\n"
_FILE = b"A customer's note on an order.\n" * 32


class WrongAnswer(Exception):
    """An answer came whose status is no error, and it says what cannot be."""


class Errand:
    """What all customers of one run share: the shop, what it has, and what was ordered and uploaded so far."""

    def __init__(self, dispatcher: Dispatcher, connections: Connections, *, paths: Sequence[str], seed: int) -> None:
        self.dispatcher = dispatcher
        self.connections = connections
        self.paths = tuple(paths)
        self.chance = random.Random(seed)  # noqa: S311 (nothing here is secret, and a seed must give the same)
        self.run = f"load-{uuid.uuid4().hex[:12]}"
        self.products: tuple[str, ...] = ()
        self.ordered: tuple[str, ...] = ()
        self.words: tuple[str, ...] = ()
        self.placed: deque[str] = deque(maxlen=_ORDERS_REMEMBERED)
        self.session = ""
        self.uploads: list[str] = []

    @classmethod
    def of(cls, plan: LoadPlan) -> Errand:
        """Return that of *plan*, with its schedule."""
        ca = str(plan.ca) if plan.ca else None
        connections = Connections(plan.url, host=plan.host, ca=ca, patience=plan.patience.total_seconds())
        return cls(Dispatcher(schedule(plan)), connections, paths=plan.paths, seed=plan.seed)

    def prepare(self, acts: frozenset[str], products: tuple[str, ...]) -> None:
        """Look at what the shop has, begin a visit, and place the order that is polled first: none of it is measured.

        Raises NoAnswer or WrongAnswer when the shop does not let that happen.
        """
        if acts & {"browse", "search", "order", "poll"}:
            shown = document(expected(self.connections.ask("GET", "/catalog/products?limit=100"), HTTPStatus.OK))
            items = shown.get("items")
            if not isinstance(items, list) or not items:
                raise WrongAnswer("the catalogue is empty")
            self.products = tuple(str(item["id"]) for item in items)
            self.ordered = products or self.products
            # The longest word of a name: short ones are often among those that a search leaves out.
            self.words = tuple(sorted({max(str(item["name"]).split(), key=len) for item in items}))
        if "upload" in acts:
            self.begin_visit()
        if "poll" in acts:
            self.order()

    def begin_visit(self) -> None:
        """Begin a visit, under which files are uploaded. Raises NoAnswer, Refused or WrongAnswer."""
        begun = expected(self.connections.ask("POST", "/api/session"), HTTPStatus.CREATED)
        self.session = str(begun.get("set-cookie", "")).partition(";")[0]

    def upload(self, name: str) -> None:
        """Upload a small file and remember where it is. Raises NoAnswer, Refused or WrongAnswer."""
        headers = f"Content-Type: text/plain\r\nCookie: {self.session}\r\n"
        reply = expected(self.connections.ask("POST", f"/api/uploads?name={name}", headers, _FILE), HTTPStatus.CREATED)
        self.uploads.append(str(reply.get("location")))

    def order(self) -> None:
        """Place an order under a key of its own, and remember it. Raises NoAnswer or WrongAnswer."""
        items = [{"product_id": self.chance.choice(self.ordered), "quantity": self.chance.randint(1, _MOST_OF_ONE)}]
        body = json.dumps({"customer": self.run, "items": items}).encode()
        reply = self.connections.ask("POST", "/orders", f"{_JSON}Idempotency-Key: {uuid.uuid4()}\r\n", body)
        self.placed.append(str(document(expected(reply, HTTPStatus.CREATED)).get("id")))

    def clean_up(self) -> None:
        """Remove the files that were uploaded, as far as the shop answers."""
        for upload in self.uploads:
            self.connections.ask("DELETE", upload, f"Cookie: {self.session}\r\n")


class Refused(Exception):
    """An answer came with a status that is an error."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"status {status}")


def expected(reply: Reply, status: int) -> Reply:
    """Return *reply* if it has that *status*; raises Refused for an error, WrongAnswer for any other."""
    if reply.status_code >= _FIRST_ERROR:
        raise Refused(reply.status_code)
    if reply.status_code != status:
        raise WrongAnswer(f"status {reply.status_code} instead of {status}")
    return reply


def document(reply: Reply) -> dict[str, object]:
    """Return the JSON object in the body. Raises WrongAnswer when it holds none."""
    try:
        said = json.loads(reply.body)
    except ValueError as error:
        raise WrongAnswer("the body is no JSON") from error
    if not isinstance(said, dict):
        raise WrongAnswer("the body is no JSON object")
    return said


class OpenLoopTasks(TaskSet):
    """Tasks that are taken up when the schedule says, not when the one before has ended.

    The waiting is in `get_next_task`: the dispatcher says when the next arrival is, and what it is about. `wait` after
    a task does not wait.
    """

    arrival: Arrival
    held: bool

    def get_next_task(self) -> Callable[[TaskSet], None]:
        self.user._state = LOCUST_STATE_WAITING  # noqa: SLF001 (TaskSet.wait does the same)
        errand: Errand = self.user.environment.errand
        self.arrival, self.held = errand.dispatcher.take()
        self.user._state = LOCUST_STATE_RUNNING  # noqa: SLF001
        act: Callable[[TaskSet], None] = getattr(type(self), self.arrival.act)
        return act

    def wait(self) -> None:
        if self.user._state == LOCUST_STATE_STOPPING:  # noqa: SLF001
            raise StopUser

    def execute_task(self, task: Callable[[TaskSet], None]) -> None:
        """Carry out one act; whatever becomes of it is one event, whose response time counts from the arrival."""
        arrival, held = self.arrival, self.held
        intended = self.user.environment.errand.dispatcher.at(arrival)
        started = time.monotonic()
        status: int | None = HTTPStatus.OK.value
        problem: Exception | None = None
        try:
            task(self)
        except Refused as refused:
            status, problem = refused.status, refused
        except (NoAnswer, WrongAnswer) as other:
            status, problem = None, other
        ended = time.monotonic()
        error = None if status is not None else f"{_kind(problem)}{problem}"
        self.user.environment.events.request.fire(
            request_type="ACT",
            name=arrival.act,
            response_time=(ended - intended) * 1000,
            response_length=0,
            exception=problem,
            context={
                "intended": intended,
                "started": started,
                "ended": ended,
                "status": status,
                "error": error,
                "held": held,
                "act": arrival.act,
            },
        )


def _kind(problem: Exception | None) -> str:
    return "wrong answer: " if isinstance(problem, WrongAnswer) else ""


class Shopping(OpenLoopTasks):
    """What customers do in the shop; the weights are those of a profile that names none."""

    @property
    def errand(self) -> Errand:
        """What all customers share."""
        errand: Errand = self.user.environment.errand
        return errand

    @task(int(ACTS["browse"]))
    def browse(self) -> None:
        """Look at a page of the catalogue, or at one product."""
        errand = self.errand
        if self.arrival.number % 2:
            path = f"/catalog/products/{errand.chance.choice(errand.products)}"
        else:
            path = f"/catalog/products?limit={_PAGE}"
        expected(errand.connections.ask("GET", path), HTTPStatus.OK)

    @task(int(ACTS["search"]))
    def search(self) -> None:
        """Search for a word that is in the name of a product, so that something has to be found."""
        errand = self.errand
        path = f"/catalog/products?search={quote(errand.chance.choice(errand.words))}"
        if not document(expected(errand.connections.ask("GET", path), HTTPStatus.OK)).get("items"):
            raise WrongAnswer("nothing was found of what there is")

    @task(int(ACTS["order"]))
    def order(self) -> None:
        """Place an order."""
        self.errand.order()

    @task(int(ACTS["poll"]))
    def poll(self) -> None:
        """Look how an order fares that was placed; one that was confirmed once has to be there."""
        errand = self.errand
        order = errand.chance.choice(errand.placed)
        shown = document(expected(errand.connections.ask("GET", f"/orders/{quote(order)}"), HTTPStatus.OK))
        if shown.get("id") != order:
            raise WrongAnswer(f"order {order} was asked for, and another is shown")

    @task(int(ACTS["upload"]))
    def upload(self) -> None:
        """Upload a small file; whose visit was forgotten begins another, and tries once more."""
        name = f"note-{self.arrival.number}.txt"
        try:
            self.errand.upload(name)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            self.errand.begin_visit()
            self.errand.upload(name)


class Reading(OpenLoopTasks):
    """What customers do of whom nothing is known but the paths that they read."""

    @task
    def read(self) -> None:
        """Read the path whose turn it is; any answer but an error will do."""
        errand: Errand = self.user.environment.errand
        reply = errand.connections.ask("GET", errand.paths[self.arrival.number % len(errand.paths)])
        if reply.status_code >= _FIRST_ERROR:
            raise Refused(reply.status_code)


class Shopper(User):
    """A customer of the shop."""

    tasks = [Shopping]  # noqa: RUF012 (this is how Locust has it)


class Reader(User):
    """A customer who reads."""

    tasks = [Reading]  # noqa: RUF012
