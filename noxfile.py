"""The command surface: ``./nox -l`` lists it, ``./nox -s SESSION -- ARGUMENTS`` passes arguments on."""

from __future__ import annotations

import os
import sys

import nox
from nox.command import CommandFailed

from seatrial.toolchain.places import cache_directory

_BAD_INPUT = 2
_PYTEST_USAGE_ERROR = 4

nox.needs_version = ">=2026.2"
nox.options.sessions = ["lint", "types", "unit", "specs"]
nox.options.default_venv_backend = "none"  # ./nox has made the one environment that all sessions share


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    # Shared by all checkouts: what was checked once is known, whichever clone it was in.
    session.run("mypy", *session.posargs, env={"MYPY_CACHE_DIR": str(cache_directory() / "mypy")})


@nox.session
def unit(session: nox.Session) -> None:
    """Test the library, without a cluster."""
    session.run("python", "-m", "pytest", "suites/unit", "reference_app", "-n", "auto", *session.posargs)


@nox.session
def specs(session: nox.Session) -> None:
    """Test the features as a specification: ids, bindings, steps, twins, layers, wording."""
    session.run("python", "-m", "pytest", "suites/specs", *session.posargs)


@nox.session
def services(session: nox.Session) -> None:
    """Test the reference services, without a cluster."""
    session.run("python", "-m", "pytest", "suites/services", "-n", "auto", *session.posargs)


@nox.session
def processes(session: nox.Session) -> None:
    """Test what runs as a process of its own: whole runs of features, and the traffic generator."""
    # Services broken on purpose take minutes; they are part of soak_orders.
    left_out = [f"--ignore=suites/processes/orders/{name}.py" for name in ("test_planted", "test_one_key")]
    session.run("python", "-m", "pytest", "suites/processes", *left_out, "-n", "auto", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Look at the report and shop in the storefront with a real browser, without a cluster."""
    session.run("python", "-m", "pytest", "suites/browser", *session.posargs)


@nox.session(requires=["lint", "types", "static", "unit", "specs", "processes", "services", "browser"])
def tests(session: nox.Session) -> None:
    """Run all that needs no cluster."""
    session.log("All that needs no cluster has passed.")


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the features on a real cluster: the embedded one, or another with -- --kubeconfig FILE."""
    _run(session, "python", "-m", "pytest", "suites/acceptance", *session.posargs)


@nox.session
def static(session: nox.Session) -> None:
    """Check the platform's code, manifests and Dockerfiles with checkov; each finding is mended or waived."""
    session.run("python", "-m", "seatrial.compliance", *session.posargs)


@nox.session
def cloud(session: nox.Session) -> None:
    """Test the platform's code with the real OpenTofu and AWS provider, on an emulator of AWS."""
    session.run("python", "-m", "pytest", "suites/cloud", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """Handle the embedded cluster: -- up, down, status or kubeconfig."""
    _run(session, "seatrial", "cluster", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Show the last run again, or the one in the folder given."""
    _run(session, "python", "-m", "seatrial.evidence", *session.posargs)


@nox.session
def seatrial(session: nox.Session) -> None:
    """Run the seatrial command: -- verify FILE, -- runs list, -- toolchain list and so on."""
    _run(session, "seatrial", *session.posargs)


@nox.session
def load(session: nox.Session) -> None:
    """Put a shop under load: -- --profile spike --url https://shop.example.com."""
    _run(session, "seatrial", "load", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and size."""
    _run(session, "python", "-m", "suites.bench", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Kill runs at random instants and see that the next one passes."""
    _run(session, "python", "-m", "pytest", "suites/soak/test_soak.py", *session.posargs)


@nox.session
def soak_orders(session: nox.Session) -> None:
    """Order for an hour while things are killed, and see that the checker catches services broken on purpose."""
    _run(session, "python", "-m", "pytest", "suites/soak/orders", "suites/processes/orders", *session.posargs)


@nox.session
def soak_cloud(session: nox.Session) -> None:
    """Kill OpenTofu and its provider at random instants while a platform goes up and down."""
    _run(session, "python", "-m", "pytest", "suites/soak/cloud", *session.posargs)


@nox.session
def soak_faults(session: nox.Session) -> None:
    """Kill whoever does a fault at random instants, and see that nothing of any fault is left."""
    _run(session, "python", "-m", "pytest", "suites/soak/faults", "--instants=100", *session.posargs)


@nox.session
def sabotage(session: nox.Session) -> None:
    """Break one control after the other on a real cluster, and see that the features go red for each."""
    _run(session, "python", "-m", "suites.sabotage", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin all packages anew, with their hashes."""
    compiled = ("uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11", "--generate-hashes")
    plain = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", *session.posargs)
    session.run(*compiled, *plain, "--all-extras", "--output-file=requirements/project.txt", "pyproject.toml")
    constrained = ("--no-deps", "--constraints=requirements/project.txt")
    session.run(*compiled, *plain, *constrained, "--output-file=requirements/uv.txt", "requirements/uv.in")
    session.run(*compiled, *plain, "--output-file=requirements/checkov.txt", "requirements/checkov.in")


def _run(session: nox.Session, *command: str) -> None:
    """Run *command* and, where it fails, end with its exit code (nox makes a 1 of each); pytest's 4 is bad input, 2."""
    environment = {"SEATRIAL_LAUNCHER": str(os.getpid())}
    try:
        # An interrupted run cleans up behind itself; it gets the time to.
        session.run(*command, env=environment, interrupt_timeout=2, terminate_timeout=600)
    except CommandFailed as failed:
        code = failed.return_code or 1
        sys.exit(_BAD_INPUT if code == _PYTEST_USAGE_ERROR else code)
