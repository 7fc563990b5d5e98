"""A platform in the cloud, built from infra/tofu: brought up, planned anew, inspected and taken down again."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial.cloud.account import EMULATED, Account
from seatrial.cloud.emulator import REGION, Emulator
from seatrial.cloud.programs import cloud_programs
from seatrial.cloud.tofu import Tofu
from seatrial.progress import open_progress
from seatrial.truth import TruthLabel
from seatrial.witness import tell_label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from seatrial.cloud.plan import Plan
    from seatrial.cloud.weaknesses import Weakness
    from seatrial.progress import Progress


@dataclass
class Platform:
    """One environment in one account; *label* says how true what is observed in it is."""

    tofu: Tofu
    account: Account
    label: TruthLabel
    _outputs: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> None:
        """Bring the account to what the code says."""
        self.tofu.apply(self.tofu.plan())
        self._outputs = self.tofu.outputs()

    def planned_anew(self) -> Plan:
        """Say what would have to be done for the account to be what the code says."""
        return self.tofu.plan()

    def take_down(self) -> None:
        """Remove all that the code brought up."""
        self.tofu.destroy()

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the code says of what it brought up."""
        return self._outputs

    def observed(self) -> None:
        """Tell whoever keeps evidence how true what is observed here is."""
        tell_label(self.label)


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
            {"emulator_url": emulator.url, "database_password": secrets.token_urlsafe(24)},
            secrets={"AWS_ACCESS_KEY_ID": EMULATED.access_key, "AWS_SECRET_ACCESS_KEY": EMULATED.secret_key},
            progress=progress,
        )
        stack.enter_context(tofu.held())
        with progress.phase("Preparing the platform's code"):
            tofu.prepare(weaknesses=weaknesses)
        account = Account(REGION, emulator.url, EMULATED)
        yield Platform(tofu, account, TruthLabel.EMULATED)
