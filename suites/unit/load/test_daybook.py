from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from seatrial.load.daybook import Act, Daybook, Move, Outcome, Told, Writer
from seatrial.load.edge import Answer
from seatrial.load.ordering import Habits, OrderPlan
from seatrial.load.orders import Item
from seatrial.load.shop import Shop
from seatrial.load.shoppers import Crowd
from seatrial.verdict import Inconclusive

ITEMS = (Item("a", 1), Item("b", 2))
BODY = {
    "id": "order-1",
    "customer": "run.1",
    "status": "pending",
    "items": [
        {"product_id": "b", "quantity": 2, "sku": "B", "name": "Buoy", "unit_price_cents": 250},
        {"product_id": "a", "quantity": 1, "sku": "A", "name": "Anchor", "unit_price_cents": 900},
    ],
    "total_cents": 1400,
}
PLAN = OrderPlan(
    shop=Shop(("http://one", "http://two"), "shop.example", Path("/ca.pem")),
    run="run",
    products=("a", "b", "c", "d"),
    rate=12.5,
    file=Path("/evidence/daybook.jsonl"),
    record=Path("/evidence/orders.jsonl"),
    seed=7,
    habits=Habits(cancel=0.3, deliver=0.3, repeat=0.5, reuse=0.5),
    patience=timedelta(seconds=1.5),
    deadline=timedelta(minutes=2),
    in_flight=9,
    limit=40,
)


def _answer(status: int, body: object, **headers: str) -> Answer:
    return Answer(status, headers, body if isinstance(body, str) else json.dumps(body))


def _problem(status: int, kind: str) -> Answer:
    return _answer(status, {"type": f"urn:seatrial:problem:{kind}"})


def _written(file: Path, *answers: Answer | None, act: Act = Act.PLACE) -> Daybook:
    with file.open("w", encoding="utf-8", buffering=1) as lines:
        writer = Writer(lines)
        writer.intent("run.1", ITEMS)
        for answer in answers:
            writer.attempt("run.1", act, "key", "http://one", 1.0)
            told = Told.of(act, "key", answer) if answer else Told(act, "key", None, error="TimeoutError")
            writer.told("run.1", told, answer, 2.0)
        writer.close(3)
    return Daybook.read(file)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "daybook.jsonl"
    book = _written(
        file, None, _problem(503, "database-unavailable"), _answer(201, BODY, **{"idempotent-replayed": "true"})
    )

    placement = book.placements["run.1"]
    assert (placement.items, placement.outcome, book.planned) == (ITEMS, Outcome.ACKNOWLEDGED, 3)
    assert [(one.status, one.kind, one.error, one.replayed) for one in placement.told] == [
        (None, "", "TimeoutError", False),
        (503, "database-unavailable", "", False),
        (201, "", "", True),
    ]
    assert placement.order is not None
    assert (placement.order.id, placement.order.items, placement.order.total) == ("order-1", ITEMS, 1400)
    assert placement.order.sum == 1400


@pytest.mark.parametrize(
    ("answers", "outcome", "last_words"),
    [
        ([], Outcome.UNKNOWN, "no try was answered before the record ends"),
        ([None], Outcome.UNKNOWN, "TimeoutError"),
        ([_problem(409, "idempotency-key-in-flight")], Outcome.UNKNOWN, "status 409 idempotency-key-in-flight"),
        ([_problem(429, "too-many-requests")], Outcome.UNKNOWN, "status 429 too-many-requests"),
        ([_answer(500, "oops")], Outcome.UNKNOWN, "status 500"),
        ([_problem(503, "catalog-unavailable"), None], Outcome.UNKNOWN, "TimeoutError"),
        ([None, _problem(422, "unknown-product")], Outcome.REFUSED, "status 422 unknown-product"),
        ([_problem(409, "transition-refused")], Outcome.REFUSED, "status 409 transition-refused"),
        ([_answer(201, "not JSON")], Outcome.ACKNOWLEDGED, "status 201"),
        ([_answer(201, ["a list"])], Outcome.ACKNOWLEDGED, "status 201"),
        ([_problem(422, "unknown-product"), _answer(201, BODY)], Outcome.ACKNOWLEDGED, "status 201"),
    ],
)
def test_what_a_customer_knows_in_the_end(
    answers: list[Answer | None], outcome: Outcome, last_words: str, tmp_path: Path
) -> None:
    placement = _written(tmp_path / "daybook.jsonl", *answers).placements["run.1"]

    assert (placement.outcome, placement.last_words) == (outcome, last_words)


def test_an_answer_to_another_order_under_the_key_acknowledges_nothing(tmp_path: Path) -> None:
    placement = _written(tmp_path / "daybook.jsonl", _answer(201, BODY), act=Act.REUSE).placements["run.1"]

    assert placement.outcome is Outcome.UNKNOWN


def test_the_last_answer_to_a_move_counts(tmp_path: Path) -> None:
    file = tmp_path / "daybook.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        writer = Writer(lines)
        for status in (None, 503, 200):
            writer.move("order-1", Move.CANCEL, 1.0)
            writer.moved("order-1", Move.CANCEL, status, 2.0)
        writer.moved("order-1", Move.SHIP, 409, 2.0)
        writer.close(0)

    moves = Daybook.read(file).moves
    assert [(one.order, one.move.status, one.acknowledged) for one in moves] == [
        ("order-1", "cancelled", True),
        ("order-1", "shipped", False),
    ]


def test_a_book_whose_writer_died_is_inconclusive_and_says_how_far_it_came(tmp_path: Path) -> None:
    file = tmp_path / "daybook.jsonl"
    _written(file, None)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:12], encoding="utf-8")

    with pytest.raises(Inconclusive, match="did not live to close their record of 1 orders"):
        Daybook.read(file)


def test_a_plan_survives_its_way_to_the_process() -> None:
    assert OrderPlan.parse(PLAN.written()) == PLAN


def test_a_seed_gives_the_same_customers_again_and_each_has_a_key_of_their_own() -> None:
    one, other = ([crowd.draw(number) for number in range(200)] for crowd in (Crowd(PLAN), Crowd(PLAN)))

    assert one == other
    assert len({customer.key for customer in one}) == len({customer.name for customer in one}) == 200
    assert {customer.moves for customer in one} == {(), (Move.CANCEL,), (Move.SHIP, Move.DELIVER)}
    assert all(len(customer.name) <= 64 and len(customer.key) <= 255 for customer in one)
    assert {len(customer.items) for customer in one} == {1, 2, 3}
