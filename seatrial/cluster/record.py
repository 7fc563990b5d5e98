"""What is known of a cluster that was whole once; a cluster without a record was never finished."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from seatrial.cluster.network import Subnet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.cluster.layout import Layout


@dataclass(frozen=True)
class Record:
    """*identity* stands for all that the cluster was made from, *images* names what runs on it."""

    identity: str
    subnet: Subnet
    images: Mapping[str, str]

    def write(self, layout: Layout) -> None:
        """Keep the record of *layout*'s cluster, whole or not at all."""
        text = json.dumps(
            {"identity": self.identity, "subnet": str(self.subnet.network), "images": dict(self.images)}, indent=2
        )
        draft = layout.state / ".cluster.json"
        draft.write_text(text)
        draft.rename(layout.state / "cluster.json")

    @classmethod
    def read(cls, layout: Layout) -> Record | None:
        """Return the record of *layout*'s cluster; None when there is none that can be read."""
        try:
            found = json.loads((layout.state / "cluster.json").read_text())
            return cls(found["identity"], Subnet(IPv4Network(found["subnet"])), found["images"])
        except (OSError, ValueError, KeyError):
            return None
