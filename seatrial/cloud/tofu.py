"""OpenTofu at work in a folder of its own: plan, apply and destroy that a kill at any instant does not spoil.

The files of infra/tofu are copied into the folder first: OpenTofu writes beside what it reads. One user at a time has
the folder, held by a lock that dies with its holder. OpenTofu and its provider run in a session of their own; what a
killed run left of them is ended before the next command.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from seatrial.cloud.plan import Diagnostic, Plan, StateLocked, TofuFailed
from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.waiting import NotObserved, eventually
from seatrial.witness import tell_command

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from seatrial.cloud.programs import CloudPrograms
    from seatrial.cloud.weaknesses import Weakness
    from seatrial.progress import Phase, Progress

_TREE = Path(__file__).resolve().parents[2] / "infra" / "tofu"
_STOPPED = timedelta(seconds=90)
_ENDED = timedelta(seconds=10)
_TAIL = 30
# What a person has to put right in what was given, rather than in the platform.
_BAD_INPUT = frozenset(
    {
        "Invalid value for variable",
        "Invalid value for input variable",
        "No value for required variable",
        "Value for undeclared variable",
    }
)
_OWN_VARIABLES = re.compile(r"AWS_|TF_|TOFU_")
_LOCK_FIELD = re.compile(r"^\s*(ID|Who):\s*(\S+)\s*$", re.MULTILINE)
# The provider's names of the services that the modules use.
SERVICES = (
    *("budgets", "cloudwatch", "cloudwatchlogs", "ec2", "ecr", "efs", "eks", "elasticache", "iam", "kms"),
    *("rds", "s3", "secretsmanager", "sns", "sts"),
)
# What OpenTofu adds to a refusal is for whoever writes the files, not for whoever gives values.
_WHERE_IT_IS_CHECKED = re.compile(r" This was checked by the validation rule at \S+?(\.(?=\s|$)|$)")
_TELLING_EACH = 20
# How OpenTofu says that its provider is gone: what that was making is in no state, as when OpenTofu itself is killed.
_PROVIDER_DIED = "Plugin did not respond"
_VARIABLES = "seatrial.auto.tfvars.json"


@dataclass(frozen=True)
class _Running:
    """A command under way, as it is on disk: whoever finds it later can tell whether it still is."""

    pid: int
    started: float
    host: str
    user: str

    @classmethod
    def read(cls, file: Path) -> _Running | None:
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(vars(self)), encoding="utf-8")

    @property
    def who(self) -> str:
        """The words in which a lock of OpenTofu names its owner."""
        return f"{self.user}@{self.host}"

    def processes(self) -> tuple[psutil.Process, ...]:
        """What lives of it: the command, and what it started, which is in its session.

        A number that was given to another process since has another session, or one that began later.
        """
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                ours = os.getsid(process.pid) == self.pid and process.create_time() >= self.started - 1
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return tuple(found)


@dataclass
class Tofu:
    """OpenTofu for one environment, with all it needs in *folder*.

    *secrets* are environment variables, such as credentials; of this process's own environment, what concerns AWS or
    OpenTofu is kept from it, so that nothing is done to an account by accident.
    """

    programs: CloudPrograms
    folder: Path
    environment: str
    variables: Mapping[str, object]
    secrets: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=open_progress)
    _process: subprocess.Popen[str] | None = field(default=None, init=False, repr=False)
    _provider_died: bool = field(default=False, init=False, repr=False)

    @property
    def tree(self) -> Path:
        """The copy of infra/tofu that is worked with."""
        return self.folder / "tofu"

    @property
    def root(self) -> Path:
        """The root module, in that copy."""
        return self.tree / "environments" / self.environment

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the folder until the block ends; raises UsageError if somebody else has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise UsageError(
                    f"The environment {self.environment} in {self.folder} is in use by {holder}: wait for it to end."
                ) from None
            lock.seek(0)
            lock.truncate()
            lock.write(f"process {os.getpid()}\n")
            lock.flush()
            self._end_what_was_left()
            yield

    def prepare(
        self,
        backend: Mapping[str, str] | None = None,
        *,
        weaknesses: Iterable[Weakness] = (),
        emulator: str | None = None,
        local: bool = True,
    ) -> None:
        """Copy the files, write down the variables, and initialise with *backend*'s settings.

        The copy has the *weaknesses* in it. With the URL of an *emulator*, an environment that is meant for a real
        account works on that one instead, with its state in the folder if *local*. The state stays as it is. Raises
        TofuFailed, and UsageError for an environment that there is not.
        """
        shutil.rmtree(self.tree, ignore_errors=True)
        shutil.copytree(_TREE, self.tree)
        if not self.root.is_dir():
            known = ", ".join(sorted(entry.name for entry in self.root.parent.iterdir()))
            raise UsageError(f"There is no environment {self.environment!r}: choose one of {known}.")
        for weakness in weaknesses:
            weakness.build_into(self.tree)
        if emulator is not None:
            (self.root / "emulated_override.tf").write_text(_emulated(emulator, local=local), encoding="utf-8")
        self.set_variables(self.variables)
        self.initialise(backend)

    def initialise(self, backend: Mapping[str, str] | None = None) -> None:
        """Let OpenTofu find its modules, its provider and its state."""
        settings = backend if backend is not None else {"path": str(self.folder / "state.tfstate")}
        given = [f"-backend-config={key}={value}" for key, value in settings.items()]
        self._run("init", "-input=false", "-no-color", "-reconfigure", *given)

    def set_variables(self, variables: Mapping[str, object]) -> None:
        """Have other values for the variables of the root module from now on."""
        self.variables = dict(variables)
        file = self.root / _VARIABLES
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.variables), encoding="utf-8")

    def validate(self) -> tuple[Diagnostic, ...]:
        """Return what OpenTofu has to say about the files themselves; nothing if they are valid."""
        found = self._run("validate", "-json", check=False)
        document = json.loads(found)
        return tuple(Diagnostic.of(entry) for entry in document["diagnostics"])

    def plan(self, *, destroy: bool = False) -> Plan:
        """Say what would be done, and keep it to be applied."""
        file = self.folder / ("destroy.plan" if destroy else "apply.plan")
        flags = ["-destroy"] if destroy else []
        self._streamed("plan", "-input=false", "-lock-timeout=0s", f"-out={file}", *flags)
        return Plan.of(file, json.loads(self._run("show", "-json", str(file))))

    def apply(self, plan: Plan) -> None:
        """Do what *plan* says. What was done before an error or an interruption is in the state."""
        self._streamed("apply", "-input=false", "-auto-approve", str(plan.file))
        self._killed_file.unlink(missing_ok=True)

    def destroy(self) -> None:
        """Remove all that the state knows of."""
        self.apply(self.plan(destroy=True))

    def outputs(self) -> Mapping[str, Any]:
        """Return the values of the root module's outputs."""
        document = json.loads(self._run("output", "-json"))
        return {name: entry["value"] for name, entry in document.items()}

    def interrupt(self) -> None:
        """Ask a command that another thread has under way, if one has, to stop after what it is at."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)

    def state(self) -> Mapping[str, Any]:
        """Return the state as OpenTofu shows it: an object of JSON."""
        document: Mapping[str, Any] = json.loads(self._run("show", "-json"))
        return document

    @property
    def was_killed(self) -> bool:
        """Whether a command was killed in the middle, so that the state may lack what it was making."""
        return self._running_file.exists() or self._killed_file.exists()

    def settle(self) -> None:
        """End what a killed command left running; that it was killed is remembered until something was applied."""
        self._end_what_was_left()

    def addresses(self) -> tuple[str, ...]:
        """Return the address of each resource in the state."""
        listed = self._run("state", "list", check=False)
        return tuple(line for line in listed.splitlines() if line and not line.startswith("No state"))

    # Running it ------------------------------------------------------------------------------------------------------

    @property
    def _running_file(self) -> Path:
        return self.folder / "running.json"

    @property
    def _killed_file(self) -> Path:
        return self.folder / "killed.json"

    def _end_what_was_left(self) -> None:
        """See to the end of what a killed run left, so that two do not change the account at once.

        OpenTofu was asked to stop when its starter died, and is waited for; a provider alone never stops by itself.
        """
        left = _Running.read(self._running_file)
        if left is None:
            return
        if any(process.pid == left.pid for process in left.processes()):
            self.progress.say(f"An interrupted run of OpenTofu (process {left.pid}) is still stopping; waiting for it.")
            with contextlib.suppress(NotObserved):
                eventually(
                    lambda: [process.pid for process in left.processes()],
                    until=lambda alive: left.pid not in alive,
                    within=_STOPPED,
                    what="the interrupted run of OpenTofu has stopped",
                )
        for process in left.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        eventually(
            left.processes, until=lambda alive: not alive, within=_ENDED, what="what a killed run left has ended"
        )
        # Should it have left the state locked, this tells that nobody alive holds it.
        self._running_file.replace(self._killed_file)

    def _variables_of_process(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not _OWN_VARIABLES.match(key)}
        return {
            **kept,
            "TF_CLI_CONFIG_FILE": str(self.programs.settings),
            "TF_DATA_DIR": str(self.folder / "data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            **self.secrets,
        }

    @contextlib.contextmanager
    def _started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        # Killed or not, whoever started it is gone then: it stops after what it is at, and writes down its state.
        command = ["setpriv", "--pdeathsig", "INT", str(self.programs.tofu), f"-chdir={self.root}", *words]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._variables_of_process(),
            start_new_session=True,
        )
        self._process = process
        self._provider_died = False
        began = time.monotonic()
        user = os.environ.get("USER") or ("root" if os.geteuid() == 0 else str(os.geteuid()))
        _Running(process.pid, psutil.Process(process.pid).create_time(), socket.gethostname(), user).write(
            self._running_file
        )
        try:
            with process:
                try:
                    yield process
                except BaseException:
                    self._stop(process)
                    raise
        finally:
            # A command that died by a signal may have left a provider behind: whoever comes next looks.
            if process.returncode is not None and process.returncode >= 0 and not self._provider_died:
                self._running_file.unlink(missing_ok=True)
            tell_command(["tofu", *words], process.returncode, timedelta(seconds=time.monotonic() - began))

    def _stop(self, process: subprocess.Popen[str]) -> None:
        """Ask it to stop after what it is at just now, and wait for that: only then is its state whole."""
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=_STOPPED.total_seconds())
        except subprocess.TimeoutExpired:
            process.kill()

    def _run(self, *words: str, check: bool = True) -> str:
        with self._started(*words) as process:
            printed, _ = process.communicate()
        if check and process.returncode != 0:
            raise TofuFailed(words[0], _plain_diagnostics(printed), printed[-4000:])
        return printed

    def _streamed(self, verb: str, *words: str) -> None:
        """Run a command that tells line by line what it is at; raises StateLocked, UsageError or TofuFailed."""
        title = f"OpenTofu {verb} of {self.environment} in {self.folder.name}"
        for again in (True, False):
            with self.progress.phase(title) as phase:
                told = self._told(phase, verb, *words)
            if told.code == 0:
                return
            locked = next((one for one in told.diagnostics if "state lock" in one.summary), None)
            if locked is None:
                break
            if not again or not self._unlock(locked):
                raise StateLocked(verb, (locked,), "")
        wrong = [one for one in told.diagnostics if one.summary in _BAD_INPUT]
        if wrong:
            said = " ".join(wrong[0].detail.split()) or str(wrong[0])
            raise UsageError(_WHERE_IT_IS_CHECKED.sub("", said))
        raise TofuFailed(verb, told.diagnostics, "\n".join(told.other[-_TAIL:]))

    def _told(self, phase: Phase, verb: str, *words: str) -> _Told:
        diagnostics: list[Diagnostic] = []
        other: list[str] = []
        done = 0
        with self._started(verb, "-json", *words) as process:
            for line in process.stdout or ():
                try:
                    entry = json.loads(line)
                    kind = entry["type"]
                except (ValueError, KeyError, TypeError):
                    other.append(line.rstrip())
                    continue
                if kind == "diagnostic":
                    diagnostic = Diagnostic.of(entry["diagnostic"])
                    if diagnostic.severity == "error":
                        diagnostics.append(diagnostic)
                        self._provider_died |= diagnostic.summary == _PROVIDER_DIED
                elif kind == "apply_complete" and verb == "apply":
                    done += 1
                    if done % _TELLING_EACH == 1:
                        phase.note(f"{done} done, the last {entry['hook']['resource']['addr']}")
        return _Told(process.returncode, tuple(diagnostics), tuple(other))

    def _unlock(self, locked: Diagnostic) -> bool:
        """Break the lock of a dead run of this very folder; return whether it was one."""
        said = dict(_LOCK_FIELD.findall(locked.detail))
        before = _Running.read(self._killed_file)
        if before is None or said.get("Who") != before.who or "ID" not in said or before.processes():
            return False
        self.progress.say(f"The state is locked by a run of {before.who} that is dead; the lock is removed.")
        self._run("force-unlock", "-force", said["ID"])
        self._killed_file.unlink(missing_ok=True)
        return True


def _emulated(url: str, *, local: bool) -> str:
    """Return an override file (OpenTofu merges such over what it has read) that points every service at *url*."""
    state = 'terraform {\n  backend "local" {}\n}\n\n' if local else ""
    endpoints = "\n".join(f'    {service} = "{url}"' for service in SERVICES)
    return f"""\
{state}provider "aws" {{
  access_key                  = "emulated"
  secret_key                  = "emulated"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  s3_use_path_style           = true

  endpoints {{
{endpoints}
  }}
}}
"""


@dataclass(frozen=True)
class _Told:
    code: int
    diagnostics: tuple[Diagnostic, ...]
    other: tuple[str, ...]


def _plain_diagnostics(printed: str) -> tuple[Diagnostic, ...]:
    """Read the first complaint of a command that prints for people."""
    lines = [line.strip("│╷╵ \t") for line in printed.splitlines()]
    for number, line in enumerate(lines):
        if line.startswith("Error: "):
            detail = " ".join(text for text in lines[number + 1 :] if text)
            return (Diagnostic("error", line.removeprefix("Error: "), detail[:1000]),)
    return ()
