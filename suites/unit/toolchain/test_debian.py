from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain import debian
from seatrial.toolchain.debian import Machine, debian_packages_missing, install_debian_packages, package_group
from seatrial.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from seatrial.progress import PlainProgress
    from seatrial.toolchain.store import Store
    from suites.unit.toolchain.conftest import Child

_DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'


@dataclass
class Packages:
    """Plays dpkg-query, apt-get and the policy; looks at the policy whenever apt-get installs."""

    policy: Path
    installed: set[str] = field(default_factory=lambda: {"gcc", "tini"})
    update: int = 0
    install: int = 0
    said: str = "E: nothing\n"
    commands: list[list[str]] = field(default_factory=list)
    environment: Mapping[str, str] = field(default_factory=dict)
    policies: list[str] = field(default_factory=list)
    forbids: bool = False

    def __call__(self, command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        if command[0] == str(self.policy):
            return (101 if self.forbids else 0), ""
        if command[0] == "dpkg-query":
            lines = [
                f"{name} installed" if name in self.installed else f"{name} config-files"
                for name in command[4:]
                if name in self.installed or name == "removed"
            ]
            return len(lines) < len(command) - 4, "\n".join([*lines, "dpkg-query: no packages found matching other"])
        self.commands.append(list(command))
        self.environment = environment
        if "update" in command:
            return self.update, "W: some source failed\n"
        if command[0] == "dpkg":
            return 1, "E: nothing to configure\n"
        self.policies.append(self.policy.read_text())
        if self.install == 0:
            self.installed |= set(command)
        return self.install, self.said


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "policy-rc.d")


@pytest.fixture
def machine(tmp_path: Path, packages: Packages, monkeypatch: pytest.MonkeyPatch) -> Machine:
    (tmp_path / "os-release").write_text(_DEBIAN)
    monkeypatch.delenv("DEBIAN_FRONTEND", raising=False)
    monkeypatch.setattr("shutil.which", lambda program: f"/usr/bin/{program}")
    return Machine(root=True, os_release=tmp_path / "os-release", policy=packages.policy, run=packages)


def test_what_is_installed_is_not_missing(machine: Machine) -> None:
    assert debian_packages_missing(["tini", "runit", "gcc", "buildah", "runit"], machine=machine) == (
        "buildah",
        "runit",
    )
    assert debian_packages_missing([], machine=machine) == ()


def test_a_package_whose_configuration_alone_is_left_is_missing(machine: Machine) -> None:
    assert debian_packages_missing(["removed", "gcc"], machine=machine) == ("removed",)


def test_without_dpkg_everything_is_missing(machine: Machine) -> None:
    def absent(_command: Sequence[str], _environment: Mapping[str, str]) -> tuple[int, str]:
        raise FileNotFoundError

    assert debian_packages_missing(["gcc"], machine=replace(machine, run=absent)) == ("gcc",)


def test_this_machine_answers_for_real() -> None:
    missing = Machine().missing(["seatrial-has-no-such-package"])
    assert missing == ("seatrial-has-no-such-package",)


def test_missing_packages_are_installed_without_recommendations_and_without_questions(
    machine: Machine, packages: Packages, store: Store, progress: PlainProgress
) -> None:
    installed = install_debian_packages(["gcc", "runit", "buildah"], progress=progress, machine=machine, store=store)
    assert installed == ("buildah", "runit")
    mend, update, install = packages.commands
    assert mend == ["dpkg", "--configure", "--pending"]
    assert update[0] == "apt-get"
    assert update[-1] == "update"
    assert install[0] == "apt-get"
    assert install[-6:] == ["--yes", "--no-install-recommends", "--no-remove", "--fix-broken", "buildah", "runit"]
    assert packages.environment["DEBIAN_FRONTEND"] == "noninteractive"
    assert "exit 101" in packages.policies[0]
    assert not packages.policy.exists()
    assert [phase.title for phase in progress.finished] == ["Installing 2 Debian packages"]


def test_nothing_missing_means_nothing_happens(machine: Machine, packages: Packages, store: Store) -> None:
    elsewhere = replace(machine, root=False, os_release=Path("/nowhere"))
    assert install_debian_packages(["gcc"], install=False, machine=elsewhere, store=store) == ()
    assert packages.commands == []


def test_a_source_that_cannot_be_read_does_not_stop_the_installation(
    machine: Machine, packages: Packages, store: Store
) -> None:
    packages.update = 100
    assert install_debian_packages(["runit"], machine=machine, store=store) == ("runit",)
    assert "W: some source failed" in store.log("debian").read_text()


def test_a_failed_installation_is_a_sentence_with_apt_s_last_lines(
    machine: Machine, packages: Packages, store: Store
) -> None:
    packages.install = 100
    packages.said = "\n".join(f"line {number}" for number in range(30)) + "\nE: Unable to locate package runit\n"
    with pytest.raises(UsageError) as refused:
        install_debian_packages(["runit"], machine=machine, store=store)
    first, *rest = str(refused.value).splitlines()
    assert first == (
        "apt-get could not install runit: mend what it says and try again. "
        f"The whole output is in {store.log('debian')}; it ends in:"
    )
    assert rest[-1] == "  E: Unable to locate package runit"
    assert len(rest) == 10
    assert not packages.policy.exists()


def test_apt_that_says_yes_and_installs_nothing_is_found_out(
    machine: Machine, packages: Packages, store: Store
) -> None:
    def pretending(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        return (0, "") if command[0] == "apt-get" else packages(command, environment)

    with pytest.raises(UsageError, match="installed without an error, but runit is not there"):
        install_debian_packages(["runit"], machine=replace(machine, run=pretending), store=store)


def test_without_installation_the_list_is_the_answer(machine: Machine, packages: Packages, store: Store) -> None:
    with pytest.raises(UsageError) as refused:
        install_debian_packages(["runit", "buildah"], install=False, machine=machine, store=store)
    assert str(refused.value) == (
        "Debian packages are missing: install them with `apt-get install --no-install-recommends buildah runit`."
    )
    assert packages.commands == []


def test_not_root_is_one_sentence(machine: Machine, packages: Packages, store: Store) -> None:
    with pytest.raises(UsageError) as refused:
        install_debian_packages(["runit"], machine=replace(machine, root=False), store=store)
    assert str(refused.value) == (
        "Debian packages are missing (runit), and only root can install them: run this as root."
    )
    assert packages.commands == []


@pytest.mark.parametrize(
    ("release", "named"),
    [('ID=fedora\nPRETTY_NAME="Fedora Linux 43"\n', "Fedora Linux 43"), ("", "no system that says its name")],
)
def test_not_debian_is_one_sentence(
    machine: Machine, packages: Packages, store: Store, release: str, named: str
) -> None:
    machine.os_release.write_text(release)
    with pytest.raises(UsageError) as refused:
        install_debian_packages(["runit"], install=False, machine=machine, store=store)
    assert str(refused.value) == f"Seatrial needs Debian 12 for its packages (runit), and this machine runs {named}."
    assert packages.commands == []


def test_what_is_made_from_debian_is_debian(machine: Machine) -> None:
    machine.os_release.write_text('ID=ubuntu\nID_LIKE="debian"\n')
    assert machine.is_debian


def test_a_policy_that_forbids_starts_stays(machine: Machine, packages: Packages, store: Store) -> None:
    packages.policy.write_text("own")
    packages.forbids = True
    install_debian_packages(["runit"], machine=machine, store=store)
    assert packages.policies == ["own"]
    assert packages.policy.read_text() == "own"


def test_a_policy_that_allows_starts_is_set_aside_and_comes_back(
    machine: Machine, packages: Packages, store: Store
) -> None:
    packages.policy.write_text("own")
    install_debian_packages(["runit"], machine=machine, store=store)
    assert "exit 101" in packages.policies[0]
    assert packages.policy.read_text() == "own"
    assert sorted(path.name for path in packages.policy.parent.glob("policy-rc.d*")) == ["policy-rc.d"]


@pytest.mark.parametrize("own", [None, "own"])
def test_what_a_killed_installation_left_is_mended_by_the_next_one(
    machine: Machine, packages: Packages, store: Store, fork: Callable[..., Child], own: str | None
) -> None:
    if own:
        packages.policy.write_text(own)

    def killed(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        if "install" in command:
            os.kill(os.getpid(), signal.SIGKILL)
        return packages(command, environment)

    child = fork(lambda *_: install_debian_packages(["runit"], machine=replace(machine, run=killed), store=store))
    assert child.wait() == -signal.SIGKILL
    assert "exit 101" in packages.policy.read_text()
    install_debian_packages(["runit"], machine=machine, store=store)
    assert packages.policy.exists() == (own is not None)
    assert not own or packages.policy.read_text() == own


def test_a_policy_that_a_killed_installation_had_only_set_aside_comes_back(
    machine: Machine, packages: Packages, store: Store
) -> None:
    packages.policy.with_name("policy-rc.d.before-seatrial").write_text("own")
    install_debian_packages(["runit"], machine=machine, store=store)
    assert "exit 101" in packages.policies[0]
    assert packages.policy.read_text() == "own"


def test_the_guard_is_a_program_that_says_no(machine: Machine, packages: Packages) -> None:
    with machine.no_daemon_starts():
        status, _ = debian._run([str(packages.policy), "redis-server", "start"], os.environ)
    assert status == 101


def test_two_installations_do_not_run_at_once(
    machine: Machine,
    packages: Packages,
    store: Store,
    fork: Callable[..., Child],
    progress: PlainProgress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hold(report: int, wait: int) -> None:
        with store.lock("debian", pytest.fail):
            os.write(report, b"held")
            os.read(wait, 1)

    child = fork(hold)
    os.read(child.report, 4)

    def say(_sentence: str) -> None:
        packages.installed.add("runit")
        os.write(child.release, b"g")

    monkeypatch.setattr(progress, "say", say)
    assert install_debian_packages(["runit"], progress=progress, machine=machine, store=store) == ()
    assert packages.commands == []


def test_groups_are_known_by_name() -> None:
    assert {"buildah", "mmdebstrap", "runit", "tini", "iproute2", "util-linux"} <= set(package_group("cluster"))
    assert package_group("services") == ("postgresql-15", "redis-server")
    with pytest.raises(UsageError, match="There is no group sails of Debian packages: "):
        package_group("sails")


def test_an_interrupted_apt_ends_by_itself_before_the_guard_goes(
    machine: Machine, packages: Packages, store: Store, fork: Callable[..., Child], tmp_path: Path
) -> None:
    apt = tmp_path / "apt-get"
    ended = tmp_path / "ended"
    apt.write_text(
        "#!/bin/sh\n"
        f"finish() {{ cp {packages.policy} {ended}; exit 100; }}\n"
        "trap finish INT\n"
        f'case "$*" in *install*) echo started > {tmp_path}/started; while :; do sleep 0.01; done ;; esac\n'
    )
    apt.chmod(0o755)

    def run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        if command[0] != "apt-get":
            return packages(command, environment)
        return debian._run([str(apt), *command[1:]], environment)

    child = fork(lambda *_: install_debian_packages(["runit"], machine=replace(machine, run=run), store=store))
    eventually((tmp_path / "started").exists, until=bool, within=timedelta(seconds=10), what="the start of apt-get")
    os.kill(child.pid, signal.SIGTERM)
    assert child.wait() == 128 + signal.SIGTERM
    assert "exit 101" in ended.read_text()
    assert not packages.policy.exists()
