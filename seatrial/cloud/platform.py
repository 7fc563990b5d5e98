"""A platform in the cloud, built from infra/tofu: brought up, planned anew, inspected and taken down again."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import astuple, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.cloud.account import EMULATED, Account, Refused, Unreachable
from seatrial.cloud.costs import PlannedResource, estimate, read_prices
from seatrial.cloud.emulator import REGION, Emulator
from seatrial.cloud.inventory import Thing, inventory
from seatrial.cloud.network import network
from seatrial.cloud.orphans import orphans, remove, words
from seatrial.cloud.plan import Action, TofuFailed
from seatrial.cloud.programs import cloud_programs, registry_programs
from seatrial.cloud.reachability import Member, reachable
from seatrial.cloud.tofu import Tofu
from seatrial.errors import UsageError
from seatrial.progress import open_progress
from seatrial.truth import TruthLabel
from seatrial.witness import tell_document, tell_label, tell_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from seatrial.cloud.choice import RealAccount
    from seatrial.cloud.costs import Estimate
    from seatrial.cloud.inventory import Inventory
    from seatrial.cloud.network import Network
    from seatrial.cloud.plan import Plan
    from seatrial.cloud.reachability import End, Reach
    from seatrial.cloud.weaknesses import Weakness
    from seatrial.progress import Progress


PRICES = Path(__file__).resolve().parents[2] / "infra" / "tofu" / "prices.toml"
# What an environment asks for that has no default; on an emulator nobody reads the mail.
_ASKED = {
    "learner": {"allowed_account_ids": ["123456789012"]},
    "production": {"allowed_account_ids": ["123456789012"], "alarm_emails": ["operations@shop.seatrial.test"]},
}
_FIRST_PASSWORDS = "seatrial-first-passwords"
# Which subnets a data store is in, and the TCP port at which it is called.
_STORES = {"database": ("database", 5432), "cache": ("database", 6379), "shared files": ("private", 2049)}


@dataclass(frozen=True)
class Store:
    """A data store: each place that it may answer from, and the TCP port at which it is called."""

    name: str
    places: tuple[Member, ...]
    port: int

    def reached_from(self, sources: Sequence[End], network: Network) -> tuple[Reach, ...]:
        """Judge each way from *sources* to where it is."""
        return tuple(reachable(network, source, place, self.port) for source in sources for place in self.places)


@dataclass
class Platform:
    """One environment in one account; *label* says how true what is observed in it is.

    What changes something raises TofuFailed, or EmulatorGone where the account was an *emulator* that has ended.
    """

    tofu: Tofu
    account: Account
    label: TruthLabel
    budget: float | None = None
    before: Inventory | None = None
    emulator: Emulator | None = None
    second_look: Plan | None = None
    _outputs: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> None:
        """Bring the account to what the code says, after a run that was killed as well, and look a second time.

        What the second look sees goes into the state: only so is a later change by hand told from what the account
        adds by itself.
        """
        with self._there():
            if self.before is None:
                self.before = inventory(self.account)
            self.heal()
            plan = self.tofu.plan()
            if self.budget is not None:
                self._afford(plan, self.budget)
            self.tofu.apply(plan)
            self._outputs = self.tofu.outputs()
            self.second_look = self.tofu.plan()
            if self.second_look.empty:
                self.tofu.apply(self.second_look)

    @contextlib.contextmanager
    def _there(self) -> Iterator[None]:
        try:
            yield
        except (TofuFailed, Unreachable):
            if self.emulator is not None:
                self.emulator.answers()
            raise

    def _afford(self, plan: Plan, budget: float) -> None:
        found = self.estimate(plan)
        if not found.complete:
            raise UsageError(
                f"What {self.tofu.environment} costs cannot be told, so it is not built: add prices to {PRICES}."
            )
        if found.total > Decimal(str(budget)):
            raise UsageError(
                f"{self.tofu.environment} costs about {found.total} dollars a month and your budget is {budget:g}:"
                " raise it with --budget, or choose a smaller environment."
            )

    def estimate(self, plan: Plan) -> Estimate:
        """Say what the resources of *plan* cost a month, and tell whoever keeps evidence."""
        resources = [
            PlannedResource(change.address, change.type, change.after)
            for change in plan.resources
            if Action.DELETE not in change.actions or change.replaces
        ]
        found = estimate(resources, read_prices(PRICES))
        tell_document(f"what the environment {self.tofu.environment} costs a month", found.table())
        return found

    def heal(self) -> tuple[Thing, ...]:
        """Find what a killed run made and is in no state; return it.

        On an emulator it is deleted. In a real account nothing is that the state does not know: UsageError names it.
        """
        if not self.tofu.was_killed:
            return ()
        self.tofu.settle()
        left = orphans(self.account, self.before or frozenset(), frozenset(words(self.tofu.state())))
        if left and self.label is TruthLabel.AWS:
            listed = ", ".join(map(str, left))
            raise UsageError(
                f"A run that was killed left in the account what is in no state: remove or import {listed}."
            )
        remove(self.account, left)
        return left

    def planned_anew(self) -> Plan:
        """Say what would have to be done for the account to be what the code says."""
        with self._there():
            return self.tofu.plan()

    def take_down(self) -> None:
        """Remove all that the code brought up."""
        with self._there():
            self.tofu.destroy()

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the code says of what it brought up."""
        return self._outputs

    def observed(self) -> None:
        """Tell whoever keeps evidence how true what is observed here is."""
        tell_label(self.label)

    def network(self) -> Network:
        """Read the network that exists."""
        return network(self.account, vpc=self.outputs["vpc_id"])

    def store(self, name: str) -> Store:
        """Return where the data store *name* is: the database, the cache or the shared files."""
        tier, port = _STORES[name]
        group = self.outputs["security_group_ids"][name.replace(" ", "_")]
        subnets = self.outputs["subnet_ids"][tier]
        return Store(name, tuple(Member(subnet, (group,)) for subnet in subnets), port)

    def nodes(self) -> tuple[Member, ...]:
        """Return where applications run: on the cluster's nodes, in each private subnet."""
        group = self.outputs["security_group_ids"]["nodes"]
        return tuple(Member(subnet, (group,)) for subnet in self.outputs["subnet_ids"]["private"])

    def stranger(self) -> tuple[Member, ...]:
        """Return a machine that somebody started in each public subnet: a public address, and no group of ours."""
        closed = next(group for group in self.network().groups if group.name == "default")
        return tuple(
            Member(subnet, (closed.identity,), public_address=True) for subnet in self.outputs["subnet_ids"]["public"]
        )


def _passwords() -> Mapping[str, str]:
    """Return passwords made up for one emulated platform; nobody has to keep them."""
    made = {user: secrets.token_hex(16) for user in ("database", "cache", "catalog", "orders")}
    for password in made.values():
        tell_secret(password)
    return made


@contextlib.contextmanager
def emulated_platform(
    folder: Path, *, weaknesses: Sequence[Weakness] = (), progress: Progress | None = None, install: bool = True
) -> Iterator[Platform]:
    """Have the environment `emulated` in an account of its own, which ends with the block; nothing is built yet.

    The code that it is built from has the *weaknesses* in it.
    """
    progress = progress or open_progress()
    with contextlib.ExitStack() as stack:
        programs = cloud_programs(folder, progress=progress, install=install)
        emulator = stack.enter_context(Emulator.running(folder / "emulator"))
        # Whatever another emulator held is gone with it.
        (folder / "state.tfstate").unlink(missing_ok=True)
        tofu = Tofu(
            programs,
            folder,
            "emulated",
            {"emulator_url": emulator.url, "passwords": _passwords()},
            secrets={"AWS_ACCESS_KEY_ID": EMULATED.access_key, "AWS_SECRET_ACCESS_KEY": EMULATED.secret_key},
            progress=progress,
        )
        stack.enter_context(tofu.held())
        with progress.phase("Preparing the platform's code"):
            tofu.prepare(weaknesses=weaknesses)
        account = Account(REGION, emulator.url, EMULATED)
        try:
            yield Platform(tofu, account, TruthLabel.EMULATED, emulator=emulator)
        finally:
            tofu.interrupt()


@contextlib.contextmanager
def planned_platform(
    environment: str, folder: Path, *, progress: Progress | None = None, install: bool = True
) -> Iterator[Platform]:
    """Have an environment that is meant for a real account, to be planned on an emulator and never built."""
    progress = progress or open_progress()
    with contextlib.ExitStack() as stack:
        programs = cloud_programs(folder, progress=progress, install=install)
        emulator = stack.enter_context(Emulator.running(folder / "emulator"))
        account = Account(REGION, emulator.url, EMULATED)
        # It is made by hand before the first apply.
        passwords = json.dumps(dict(_passwords()))
        account.ask("secretsmanager", "create_secret", Name=_FIRST_PASSWORDS, SecretString=passwords)
        tofu = Tofu(programs, folder, environment, _ASKED.get(environment, {}), progress=progress)
        stack.enter_context(tofu.held())
        with progress.phase("Preparing the platform's code"):
            tofu.prepare(emulator=emulator.url)
        yield Platform(tofu, account, TruthLabel.PLAN_ONLY)


def _state_in(chosen: RealAccount, region: str, emulator: Emulator | None) -> Mapping[str, str]:
    """Return the settings of OpenTofu's backend: an encrypted object in the bucket, and a lock beside it."""
    settings = {
        "bucket": chosen.state_bucket,
        "key": f"seatrial/{chosen.environment}.tfstate",
        "region": region,
        "encrypt": "true",
        "use_lockfile": "true",
    }
    if emulator is not None:
        settings["endpoints"] = f'{{s3="{emulator.url}"}}'
        for flag in ("credentials_validation", "region_validation", "requesting_account_id", "metadata_api_check"):
            settings[f"skip_{flag}"] = "true"
        settings["use_path_style"] = "true"
    return settings


def _before(tofu: Tofu, account: Account) -> Inventory:
    """Return what the account had before the run that was killed, if one was; else what it has now, and remember it."""
    file = tofu.folder / "before.json"
    if tofu.was_killed and file.exists():
        return frozenset(Thing(*found) for found in json.loads(file.read_text(encoding="utf-8")))
    found = inventory(account)
    file.write_text(json.dumps(sorted(astuple(thing) for thing in found)), encoding="utf-8")
    return found


def _configured(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what of this process's environment gives a person access to an account, files of credentials included."""
    home = Path.home() / ".aws"
    files = {"AWS_CONFIG_FILE": str(home / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials")}
    return {**files, **given}


@contextlib.contextmanager
def real_platform(
    chosen: RealAccount, folder: Path, *, progress: Progress | None = None, emulator: Emulator | None = None
) -> Iterator[Platform]:
    """Have an environment in the account that this process's AWS credentials are for; it is taken down with the block.

    Nothing is built if its estimated cost is above the budget or cannot be told, and nothing in another account than
    the one that answered at first. What an environment asks for beside that comes in variables TF_VAR_name of this
    process. An *emulator* stands in for the account where the way to one is tested. Raises
    UsageError for credentials that are not there or refused, and for a budget that is too small.
    """
    progress = progress or open_progress()
    given = {key: value for key, value in os.environ.items() if key.startswith(("AWS_", "TF_VAR_"))}
    region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or REGION
    account = Account(region) if emulator is None else Account(region, emulator.url, EMULATED)
    try:
        number = account.number
    except (Unreachable, Refused) as error:
        raise UsageError(f"No account can be worked on: {error}. Set credentials of AWS that work.") from error
    programs = (registry_programs if emulator is None else cloud_programs)(folder, progress=progress)
    variables = {"allowed_account_ids": [number], "region": region, "monthly_limit_usd": chosen.budget}
    if emulator is not None:
        given |= {"AWS_ACCESS_KEY_ID": EMULATED.access_key, "AWS_SECRET_ACCESS_KEY": EMULATED.secret_key}
    tofu = Tofu(programs, folder, chosen.environment, variables, secrets=_configured(given), progress=progress)
    with tofu.held():
        tofu.prepare(_state_in(chosen, region, emulator), emulator=emulator.url if emulator else None, local=False)
        label = TruthLabel.AWS if emulator is None else TruthLabel.EMULATED
        platform = Platform(tofu, account, label, chosen.budget, before=_before(tofu, account))
        try:
            yield platform
        finally:
            with progress.phase(f"Taking down {chosen.environment}"):
                platform.take_down()
