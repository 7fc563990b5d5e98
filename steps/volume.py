"""Steps about volumes: data that outlives the pod that wrote it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pytest_bdd import given, then, when

from seatrial.kube import Mount, PodPlan

if TYPE_CHECKING:
    from seatrial.kube import Completed, Namespace
    from seatrial.kube.capabilities import Capabilities


@given("a pod wrote a note on a volume and is gone", target_fixture="note")
def note_on_a_volume(scenario_namespace: Namespace, capabilities: Capabilities, toolbox: str) -> str:
    capabilities.default_storage.require()
    note = secrets.token_hex(8)
    mount = Mount(scenario_namespace.create_claim("notes"), "/data")
    scenario_namespace.must_run(PodPlan("writer", toolbox, ("sh", "-c", f"echo {note} > /data/note"), {}, mount=mount))
    return note


@when("another pod reads the volume", target_fixture="reading")
def another_pod_reads(scenario_namespace: Namespace, toolbox: str) -> Completed:
    return scenario_namespace.run(PodPlan("reader", toolbox, ("cat", "/data/note"), {}, mount=Mount("notes", "/data")))


@then("it finds the same note")
def it_finds_the_same_note(reading: Completed, note: str) -> None:
    assert reading.output.strip() == note
