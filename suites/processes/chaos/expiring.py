"""``python -m suites.processes.chaos.expiring KUBECONFIG PORT FOLDER``: lets a door's certificate run out, and waits.

It says ``done`` once that is in effect. SEATRIAL_FAULTS names the folder of leases.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from seatrial.chaos.certificates import CertificateExpiry, Keeping
from seatrial.chaos.entrance import Entrance
from seatrial.chaos.injection import injected
from seatrial.ending import GoodOrder


def planned(kubeconfig: Path, port: int, folder: Path) -> CertificateExpiry:
    """Return the fault that the certificate at *port* has run out; *folder* holds ``authority`` and ``expired``."""
    keeping = Keeping(kubeconfig, None, "ingress", "edge-certificate")
    entrance = Entrance("127.0.0.1", port, "shop.seatrial.test", folder / "authority")
    return CertificateExpiry.planned(keeping, entrance, (folder / "expired").read_text())


def main() -> None:
    """Do it, and hold it until somebody ends this."""
    GoodOrder(say=lambda text: print(text, file=sys.stderr)).install()  # noqa: T201 (a program of its own)
    with injected(planned(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))):
        print("done", flush=True)  # noqa: T201 (as above)
        signal.pause()


if __name__ == "__main__":
    main()
