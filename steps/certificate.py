"""Steps about the certificate that the shop shows. The one before is put back when its scenario ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from pytest_bdd import given, then, when
from pytest_bdd.parsers import parse

from seatrial.chaos.injection import inject
from seatrial.load.catalogue import PRODUCTS

if TYPE_CHECKING:
    from contextlib import ExitStack

    from seatrial.chaos.certificates import CertificateExpiry
    from seatrial.chaos.ground import Ground
    from seatrial.chaos.injection import Injection
    from seatrial.cluster import RunningCluster
    from seatrial.load import Customer

_KEPT_IN = ("ingress", "edge-certificate")


@dataclass(frozen=True)
class Expiry:
    """The fault that the certificate has run out, and how it was done."""

    fault: CertificateExpiry
    injection: Injection


@given("the certificate of the shop has run out", target_fixture="expiry")
@when("the certificate of the shop runs out", target_fixture="expiry")
def the_certificate_runs_out(
    embedded: RunningCluster,  # noqa: ARG001 (no other has a certificate that has run out)
    ground: Ground,
    customer: Customer,
    recovery: ExitStack,
) -> Expiry:
    fault = ground.expiry(*_KEPT_IN, customer.host)
    done = inject(fault)
    recovery.callback(done.end)
    return Expiry(fault, done)


@when("it is renewed")
def it_is_renewed(expiry: Expiry) -> None:
    expiry.injection.end()


@then(parse("customers turn away within {seconds:d} seconds, because it has expired"))
def customers_turn_away(expiry: Expiry, customer: Customer, seconds: int) -> None:
    expiry.injection.timeline.observe(
        "detected",
        lambda: customer.distrust(PRODUCTS),
        until=lambda why: "certificate has expired" in (why or ""),
        within=timedelta(seconds=seconds),
        what="customers turn away",
    )


@then("the shop shows a certificate whose time is over")
def its_time_is_over(expiry: Expiry) -> None:
    assert expiry.fault.entrance.certificate().not_valid_after_utc < datetime.now(UTC)


@then(parse("customers come in again within {seconds:d} seconds"))
def customers_come_in(expiry: Expiry, customer: Customer, seconds: int) -> None:
    line, within = expiry.injection.timeline, timedelta(seconds=seconds)
    look = partial(customer.distrust, PRODUCTS)
    line.observe("recovered", look, until=lambda why: why is None, within=within, what="customers come in")
    line.tell("times of the certificate, with recovery")
    assert sum(line.between("clean", "recovered"), timedelta(0)) <= within


@then("the shop shows the certificate from before")
def it_shows_the_one_before(expiry: Expiry) -> None:
    shown = expiry.fault.entrance.certificate().public_bytes(Encoding.PEM).decode()
    assert shown == expiry.fault.good
