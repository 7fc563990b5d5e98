"""Images for the cluster: ordinary Dockerfiles, built by buildah on a Debian base, named by the digest of their inputs.

Nothing of the machine that builds gets into an image: package sources, certificates and proxies are lent to the build's
steps and are not there when the layers are written.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from seatrial.cluster.bill import Materials
from seatrial.cluster.command import run
from seatrial.cluster.hygiene import LENT_MARK, ImageContent, faults, strangers
from seatrial.cluster.layout import INFRA, REGISTRY_HOST, REGISTRY_PORT, REPOSITORY
from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.toolchain import ensure, install_debian_packages, package_group
from seatrial.toolchain.places import cache_directory
from seatrial.witness import tell_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from seatrial.progress import Progress
    from seatrial.target import Registry, Target
    from seatrial.toolchain import Program

SUITE = "bookworm"
_BASE_RECIPE = f"mmdebstrap minbase {SUITE} 1"
_BASE_HOOKS = (
    # What identifies the builder or only serves it: package sources, logs, caches, machine id.
    'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*',
    'rm -rf "$1"/var/log/* "$1"/usr/share/doc/* "$1"/usr/share/man/* "$1"/usr/share/locale/*',
    'rm -f "$1"/etc/hostname "$1"/etc/resolv.conf && : > "$1"/etc/machine-id',
)
_EPOCH = "1700000000"
_INPUTS = "# inputs:"
_OF_THE_BUILD = ("container", "container_config", "docker_version", "parent")
_IGNORED = ("__pycache__", "tests", ".pytest_cache", ".mypy_cache", ".ruff_cache")


@dataclass(frozen=True)
class ImageSpec:
    """How one image is made."""

    name: str
    recipe: Path
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    release: str | None = None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Repository folders and files that the recipe copies, from its `# inputs:` lines."""
        lines = self.recipe.read_text().splitlines()
        words = [word for line in lines if line.startswith(_INPUTS) for word in line.removeprefix(_INPUTS).split()]
        return tuple(REPOSITORY / word for word in words)

    @property
    def form(self) -> str:
        """The format that it is built in: Docker's where the recipe has a health check, which OCI's cannot name."""
        return "docker" if "HEALTHCHECK" in self.recipe.read_text() else "oci"

    @property
    def needs_base(self) -> bool:
        """Whether the recipe starts from the Debian base."""
        return "ARG BASE" in self.recipe.read_text()


def read_specs(file: Path = INFRA / "images" / "images.toml") -> Mapping[str, ImageSpec]:
    """Return the images of *file* by name."""
    table = tomllib.loads(file.read_text())
    return {
        name: ImageSpec(
            name=name,
            recipe=REPOSITORY / entry["recipe"],
            programs={program: tuple(binaries) for program, binaries in entry.get("programs", {}).items()},
            args=dict(entry.get("args", {})),
            release=entry.get("release"),
        )
        for name, entry in table.items()
    }


def programs_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the programs that the recipes of *names* copy; unknown names count for nothing."""
    specs = read_specs()
    return tuple(sorted({program for name in names if name in specs for program in specs[name].programs}))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for current, folders, names in os.walk(path):
        folders[:] = sorted(folder for folder in folders if folder not in _IGNORED)
        for name in sorted(names):
            if not name.endswith(".pyc"):
                yield Path(current) / name


def digest(spec: ImageSpec, program_keys: Mapping[str, str]) -> str:
    """Return the tag of *spec*: 16 hexadecimal digits over all that its content depends on."""
    total = hashlib.sha256()

    def add(*words: str | bytes) -> None:
        for word in words:
            data = word.encode() if isinstance(word, str) else word
            total.update(len(data).to_bytes(8, "big") + data)

    add("image 1", spec.recipe.read_bytes(), repr(sorted(spec.args.items())))
    if spec.form != "oci":
        add(spec.form, "settled as oci", *_OF_THE_BUILD)
    if spec.needs_base:
        add(_BASE_RECIPE, *_BASE_HOOKS)
    for program, binaries in sorted(spec.programs.items()):
        add(program, program_keys[program], repr(binaries))
    for path in spec.inputs:
        if not path.exists():
            recipe = spec.recipe.relative_to(REPOSITORY)
            raise UsageError(f"{recipe} names the input {path.relative_to(REPOSITORY)}, which does not exist.")
        for file in _files(path):
            add(str(file.relative_to(REPOSITORY)), file.read_bytes(), "x" if os.access(file, os.X_OK) else "-")
    return total.hexdigest()[:16]


@dataclass(frozen=True)
class ImageReport:
    """What was found in an image: the size of its files in bytes, its faults in one line each, and its materials."""

    size: int
    faults: tuple[str, ...]
    materials: Materials


class Workshop:
    """Builds images in the user's cache; one process at a time."""

    def __init__(self, progress: Progress, programs: Mapping[str, Program]) -> None:
        """Use *programs*, by name, for the recipes that copy programs."""
        self._progress = progress
        self._programs = programs
        self._home = cache_directory() / "images"
        self._specs = read_specs()

    @property
    def registry_storage(self) -> Path:
        """Folder in which the local registry keeps images between clusters."""
        return self._home / "registry"

    @property
    def preloaded_storage(self) -> Path:
        """Folder in which filled image stores for nodes are kept between clusters."""
        return self._home / "preloaded"

    @property
    def names(self) -> tuple[str, ...]:
        """The images that have a recipe."""
        return tuple(self._specs)

    def tag(self, name: str) -> str:
        """Return the tag that image *name* has with the present inputs.

        Images of one release line carry one tag, ``version_digest``, because kubeadm names them by one version.
        """
        if name not in self._specs:
            message = (
                f"There is no image recipe '{name}'; infra/cluster/images/images.toml has: {', '.join(self._specs)}."
            )
            raise UsageError(message)
        spec = self._specs[name]
        keys = {program: found.key for program, found in self._programs.items()}
        if spec.release:
            parts = [digest(other, keys) for _, other in sorted(self._specs.items()) if other.release == spec.release]
            return f"{self._programs[spec.release].version}_{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"
        own = digest(spec, keys)
        versions = [self._programs[program].version for program in spec.programs]
        return f"{versions[0].removeprefix('v')}-{own}" if versions else own

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._progress.say("Another process builds images; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _buildah(self, *words: str | Path, timeout: timedelta | None = None, check: bool = True) -> str:
        storage: list[str | Path] = [
            "--root",
            self._home / "storage",
            "--runroot",
            self._home / "run",
            "--storage-driver",
            "overlay",
        ]
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(self._home / "tmp")}
        (self._home / "tmp").mkdir(parents=True, exist_ok=True)
        return run(["buildah", *storage, *words], env=environment, timeout=timeout, check=check).stdout.strip()

    def _has(self, reference: str) -> bool:
        listed = self._buildah("images", "--format", "{{.Name}}:{{.Tag}}", "--filter", f"reference={reference}")
        return any(line.endswith(reference) for line in listed.splitlines())

    def _lent(self) -> list[str | Path]:
        """Return the mounts that a build step may use and an image must not contain."""
        lent = self._home / "lent"
        shutil.rmtree(lent, ignore_errors=True)
        (lent / "apt").mkdir(parents=True)
        (lent / "apt" / "debian.list").write_text("\n".join([f"# {LENT_MARK}", *debian_sources(), ""]))
        mounts = [f"{lent / 'apt'}:/etc/apt/sources.list.d:ro"]
        if Path("/etc/ssl/certs").is_dir():
            mounts.append("/etc/ssl/certs:/etc/ssl/certs:ro")
        settings = _pip_settings()
        if settings:
            (lent / "pip.conf").write_text(f"# {LENT_MARK}\n{settings}")
            mounts.append(f"{lent / 'pip.conf'}:/etc/pip.conf:ro")
        return [word for mount in mounts for word in ("--volume", mount)]

    def _base(self) -> str:
        reference = f"seatrial/base:{hashlib.sha256(repr((_BASE_RECIPE, _BASE_HOOKS)).encode()).hexdigest()[:16]}"
        if self._has(reference):
            return f"localhost/{reference}"
        with self._progress.phase("Debian base image", expected=timedelta(seconds=40)):
            archive = self._home / "base.tar"
            hooks = [f"--customize-hook={hook}" for hook in _BASE_HOOKS]
            command: list[str | Path] = ["mmdebstrap", "--variant=minbase", "--quiet", *hooks, SUITE, archive, "-"]
            run(
                command,
                stdin="\n".join(debian_sources()) + "\n",
                env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH, "TMPDIR": str(self._home)},
                timeout=timedelta(minutes=15),
            )
            context = self._home / "context-base"
            shutil.rmtree(context, ignore_errors=True)
            context.mkdir()
            archive.rename(context / "base.tar")
            (context / "Dockerfile").write_text("FROM scratch\nADD base.tar /\n")
            self._buildah("bud", "--quiet", "--timestamp", _EPOCH, "--tag", reference, context)
            shutil.rmtree(context)
        return f"localhost/{reference}"

    def build(self, name: str) -> str:
        """Return the local reference of image *name*, built if it is not there."""
        reference = f"seatrial/{name}:{self.tag(name)}"
        if self._has(reference):
            return f"localhost/{reference}"
        self._make(name, reference)
        return f"localhost/{reference}"

    def _make(self, name: str, reference: str, *, anew: bool = False) -> None:
        spec = self._specs[name]
        made = reference if spec.form == "oci" else f"{reference}-made"
        base = self._base() if spec.needs_base else None
        with self._progress.phase(f"Image {name}"):
            context = self._home / f"context-{name}"
            shutil.rmtree(context, ignore_errors=True)
            context.mkdir(parents=True)
            for path in spec.inputs:
                for file in _files(path):
                    place = context / file.relative_to(REPOSITORY)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(file, place)
            for program, binaries in spec.programs.items():
                for binary in binaries:
                    _link_or_copy(self._programs[program].binary(binary), context / binary)
            args = {**spec.args, **({"BASE": base} if base else {})}
            self._buildah(
                "bud",
                "--quiet",
                "--layers",
                *(["--no-cache"] if anew else []),
                "--format",
                spec.form,
                "--timestamp",
                _EPOCH,
                "--http-proxy",
                *self._lent(),
                *[word for key, value in args.items() for word in ("--build-arg", f"{key}={value}")],
                "--file",
                spec.recipe,
                "--tag",
                made,
                context,
                timeout=timedelta(minutes=20),
            )
            shutil.rmtree(context)
            if made != reference:
                self._settle(made, reference)

    def _settle(self, made: str, reference: str) -> None:
        """Give the image *made* the name *reference*, without what its configuration says of the building itself.

        It becomes an OCI image whose configuration has Docker's health check, as builders of Docker's own make them:
        the specification has no place for one, and lets a configuration hold more than it names.
        """
        health = json.loads(self._buildah("inspect", "--type", "image", made))["Docker"]["config"].get("Healthcheck")
        folder = self._home / "settling"
        shutil.rmtree(folder, ignore_errors=True)
        self._buildah("push", "--quiet", "--format", "oci", made, f"dir:{folder}")
        manifest = json.loads((folder / "manifest.json").read_text())
        configuration = folder / manifest["config"]["digest"].partition(":")[2]
        kept = settled_configuration(json.loads(configuration.read_text()), health)
        settled = json.dumps(kept, sort_keys=True).encode()
        identity = hashlib.sha256(settled).hexdigest()
        configuration.unlink()
        (folder / identity).write_bytes(settled)
        manifest["config"] |= {"digest": f"sha256:{identity}", "size": len(settled)}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        self._buildah("tag", self._buildah("pull", "--quiet", f"dir:{folder}"), reference)
        shutil.rmtree(folder)

    def references(self, names: Iterable[str]) -> dict[str, str]:
        """Return the references by which the nodes of an embedded cluster pull *names*."""
        return {name: f"{REGISTRY_HOST}:{REGISTRY_PORT}/{name}:{self.tag(name)}" for name in names}

    def publish(self, names: Iterable[str], registry: Registry) -> dict[str, str]:
        """Build and push what *registry* lacks of *names*; return the reference by which a node pulls each.

        Raises UsageError when the registry does not answer.
        """
        wanted = {name: self.tag(name) for name in names}
        missing = [name for name, tag in wanted.items() if not _in_registry(registry, name, tag)]
        if missing:
            with self._alone():
                for name in missing:
                    local = self.build(name)
                    self._push(local, f"{registry.push}/{name}:{wanted[name]}", insecure=registry.insecure)
                    if self._specs[name].programs:
                        # Cheap to make again, and the registry has it.
                        self._buildah("rmi", local)
        return {name: f"{registry.pull}/{name}:{tag}" for name, tag in wanted.items()}

    def _push(self, local: str, remote: str, *, insecure: bool) -> None:
        verify = ["--tls-verify=false"] if insecure else []
        # Only OCI's manifests can name layers in zstd's format, which are unpacked in a third of the time.
        shape = ["--format", "oci", "--compression-format", "zstd", "--compression-level", "1"]
        self._buildah("push", "--quiet", *verify, *shape, local, f"docker://{remote}", timeout=timedelta(minutes=10))

    @contextlib.contextmanager
    def opened(self, name: str, registry: Registry) -> Iterator[ImageContent]:
        """Lend image *name* as it is in *registry*, unpacked, until the block ends."""
        remote = f"docker://{registry.push}/{name}:{self.tag(name)}"
        verify = ["--tls-verify=false"] if registry.insecure else []
        with self._alone():
            container = self._buildah("from", "--pull-always", *verify, remote)
            try:
                image = remote.removeprefix("docker://")
                configuration = json.loads(json.loads(self._buildah("inspect", "--type", "image", image))["Config"])
                yield _content(name, Path(self._buildah("mount", container)), configuration)
            finally:
                self._buildah("rm", container)
                self._buildah("rmi", remote.removeprefix("docker://"))

    def made_twice(self, name: str) -> tuple[str, str]:
        """Return the digest of image *name*'s configuration, which names its layers by digest, and that of a new build.

        Nothing of the first build is used in the second.
        """
        with self._alone():
            first = self.build(name)
            again = f"seatrial/{name}-again:{self.tag(name)}"
            before = self._all_images()
            try:
                self._make(name, again, anew=True)
                return self._identity(first), self._identity(f"localhost/{again}")
            finally:
                # The images on the way too, which would stay behind as a cache of what is there already.
                for image in self._all_images() - before:
                    self._buildah("rmi", "--force", image, check=False)

    def _all_images(self) -> frozenset[str]:
        return frozenset(self._buildah("images", "--all", "--quiet", "--no-trunc").splitlines())

    def _identity(self, reference: str) -> str:
        return self._buildah("inspect", "--type", "image", "--format", "{{.FromImageID}}", reference)

    def node_root(self) -> Path:
        """Return the folder that holds the file system of the present node image, unpacked if it is not there."""
        roots = self._home / "roots"
        root = roots / self.tag("node")
        if root.is_dir():
            return root
        with self._alone():
            if root.is_dir():
                return root
            reference = self.build("node")
            roots.mkdir(parents=True, exist_ok=True)
            draft = roots / f".draft-{root.name}"
            shutil.rmtree(draft, ignore_errors=True)
            container = self._buildah("from", "--pull-never", reference)
            try:
                mounted = self._buildah("mount", container)
                run(["cp", "--archive", mounted, draft])
            finally:
                self._buildah("rm", container)
            draft.rename(root)
        return root


def _link_or_copy(source: Path, place: Path) -> None:
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)


def _in_registry(registry: Registry, name: str, tag: str) -> bool:
    host, _, prefix = registry.push.partition("/")
    path = f"{prefix}/{name}" if prefix else name
    accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    url = f"{'http' if registry.insecure else 'https'}://{host}/v2/{path}/manifests/{tag}"
    try:
        # The registry is local or the user's own: no proxy of the environment stands between.
        with httpx.Client(trust_env=not registry.insecure, timeout=10) as client:
            return client.head(url, headers={"Accept": accept}).status_code == httpx.codes.OK
    except httpx.HTTPError as problem:
        message = f"The image registry {registry.push} does not answer ({problem}); check --registry and that it runs."
        raise UsageError(message) from problem


def debian_sources() -> tuple[str, ...]:
    """Return this machine's own Debian package sources, one `deb` line each, those of other vendors left out.

    Raises UsageError when there are none.
    """
    template = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = run(["apt-get", "indextargets", "--format", template, "Created-By: Packages"], check=False).stdout
    lines: dict[str, None] = {}
    for row in listed.splitlines():
        origin, _, rest = row.partition("|")
        uri, release, component = ([*rest.split("|"), "", ""])[:3]
        if origin.startswith("Debian") and release.startswith(SUITE):
            lines[f"deb {uri} {release} {component}"] = None
    if lines:
        return tuple(lines)
    raise UsageError(
        f"apt on this machine knows no Debian {SUITE} packages, which images are made of: list a Debian mirror in "
        "/etc/apt/sources.list, run apt-get update, and run again."
    )


def _pip_settings() -> str:
    """Return this machine's package index settings as a pip.conf, empty when it has none of its own."""
    listed = run(["python3", "-m", "pip", "config", "list"], check=False).stdout
    wanted = ("index-url", "extra-index-url", "trusted-host", "proxy")
    chosen: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        option = key.strip().rsplit(".", 1)[-1]
        if option in wanted:
            chosen[option] = value.strip().strip("'\"")
    for variable in ("INDEX_URL", "EXTRA_INDEX_URL", "TRUSTED_HOST", "PROXY"):
        given = os.environ.get(f"PIP_{variable}")
        if given:
            chosen[variable.lower().replace("_", "-")] = given
    authorities = Path("/etc/ssl/certs/ca-certificates.crt")
    certificates = f"cert = {authorities}" if authorities.exists() else ""
    rows = [f"{key} = {value}" for key, value in chosen.items()]
    rows += [certificates] if certificates else []
    return "\n".join(["[global]", *rows, ""]) if rows else ""


def _workshop_for(
    target: Target, names: tuple[str, ...], progress: Progress, *, install: bool
) -> tuple[Workshop, Registry]:
    if target.registry is None:
        raise UsageError(
            f"The target {target.name} names no image registry, so {', '.join(names)} cannot be deployed; give "
            "--registry host:port/prefix, one that you may push to and the nodes can pull from."
        )
    install_debian_packages(package_group("cluster"), install=install, progress=progress)
    # The recipes name the programs they copy; those of other images need not be built.
    programs = ensure(programs_of(names), progress=progress, install=install)
    return Workshop(progress, programs), target.registry


def images_for(
    target: Target, names: Iterable[str], *, progress: Progress | None = None, install: bool = True
) -> Mapping[str, str]:
    """Build what *target*'s registry lacks of the images *names*, push it, and return by name how a node pulls each.

    Raises UsageError when the target has no registry to push to.
    """
    names = tuple(names)
    workshop, registry = _workshop_for(target, names, progress or open_progress(), install=install)
    return workshop.publish(names, registry)


def strangers_in(
    target: Target, names: Iterable[str], *, progress: Progress | None = None
) -> Mapping[str, tuple[str, ...]]:
    """Search the images *names* in *target*'s registry for traces of the machine that built them; return them by name.

    Images that the registry lacks are published first. Raises UsageError when the target has no registry.
    """
    names = tuple(names)
    workshop, registry = _workshop_for(target, names, progress or open_progress(), install=True)
    workshop.publish(names, registry)
    found = {}
    for name in names:
        with workshop.opened(name, registry) as content:
            found[name] = strangers(content, os.environ)
    return found


def look_into(target: Target, names: Iterable[str], *, progress: Progress | None = None) -> Mapping[str, ImageReport]:
    """Look into the images *names* in *target*'s registry and return what was found, by name.

    Images that the registry lacks are published first. Raises UsageError when the target has no registry.
    """
    names = tuple(names)
    workshop, registry = _workshop_for(target, names, progress or open_progress(), install=True)
    workshop.publish(names, registry)
    reports = {}
    for name in names:
        with workshop.opened(name, registry) as content:
            reports[name] = ImageReport(content.size, faults(content), Materials.read(content.root))
            tell_document(f"what is in the image {name}", reports[name].materials.bill(name, workshop.tag(name)))
    return reports


def made_twice(target: Target, name: str, *, progress: Progress | None = None) -> tuple[str, str]:
    """Build image *name* once more, from nothing; return the digests of both builds.

    Raises UsageError when *target* has no registry.
    """
    workshop, _ = _workshop_for(target, (name,), progress or open_progress(), install=True)
    return workshop.made_twice(name)


def settled_configuration(configuration: Mapping[str, Any], health: object = None) -> dict[str, Any]:
    """Return an image's *configuration* without what no second build has again, and with the *health* check given.

    Left out are the id and the host name of the container it was built in and the ids of images on the way.
    """
    kept = {key: value for key, value in configuration.items() if key not in _OF_THE_BUILD}
    kept["config"] = {key: value for key, value in configuration["config"].items() if key != "Hostname"}
    if health is not None:
        kept["config"]["Healthcheck"] = health
    kept["history"] = [
        {key: value for key, value in step.items() if key != "comment"} for step in configuration["history"]
    ]
    return kept


def _content(name: str, root: Path, configuration: Mapping[str, Any]) -> ImageContent:
    config = configuration.get("config") or {}
    return ImageContent(
        name=name,
        root=root,
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env") or []),
        history=tuple(step.get("created_by", "") for step in configuration.get("history") or []),
        user=config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()) + tuple(config.get("Cmd") or ()),
        health=tuple((config.get("Healthcheck") or {}).get("Test") or ()),
        labels=dict(config.get("Labels") or {}),
    )
