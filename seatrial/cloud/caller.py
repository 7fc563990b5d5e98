"""A pod that asks the cloud as a service on the cluster does: with a token of its service account, and nothing else."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seatrial.cloud.account import Answer, Refused
from seatrial.cloud.inspection.roles import AUDIENCE
from seatrial.kube import kinds
from seatrial.kube.pod import Identity, PodPlan
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from seatrial.kube.namespace import Namespace
    from seatrial.kube.pod import Pod

# Where the settings of the services say that the token is.
_TOKEN = "/var/run/secrets/eks.amazonaws.com/serviceaccount"  # noqa: S105 - a path
_LABELS: Final = {"seatrial.dev/uses-aws": "true", "app": "caller"}
_MEMORY = "160Mi"
# It ends by itself, whatever becomes of whoever started it.
_LIVES = "900"
_ASK = """
import json, os, sys
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

os.environ["AWS_ROLE_ARN"], service, operation, parameters = sys.argv[1:]
session = botocore.session.get_session()
session.set_default_client_config(Config(
    connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}))
try:
    client = session.create_client(service, region_name=os.environ["AWS_REGION"])
    said = {"answer": getattr(client, operation)(**json.loads(parameters))}
except ClientError as error:
    said = {"refused": f"{service}:{error.operation_name}", **error.response["Error"]}
except BotoCoreError as error:
    said = {"failed": str(error)}
print(json.dumps(said, default=str))
"""


@dataclass(frozen=True)
class Caller:
    """A pod under way; *settings* are those that it was given, by the names of its environment."""

    pod: Pod
    settings: Mapping[str, str]

    @classmethod
    @contextmanager
    def started(cls, namespace: Namespace, image: str, account: str, settings: str) -> Iterator[Caller]:
        """Start a pod of *image*, which has botocore, as *account* with the ConfigMap *settings*, until the block ends.

        One that a killed run left is removed first. Raises Inconclusive where there are no such settings.
        """
        name = f"caller-as-{account}"
        found = namespace.api.find(kinds.CONFIG_MAP, settings, namespace.name)
        if found is None:
            raise Inconclusive(f"{namespace.name} has no settings {settings}", Missing.ABILITY)
        plan = PodPlan(
            name,
            image,
            ("sleep", _LIVES),
            _LABELS,
            identity=Identity(account, AUDIENCE, _TOKEN),
            settings=settings,
            memory=_MEMORY,
        )
        namespace.remove_pod(name)
        try:
            yield cls(namespace.start(plan), found.texts("data"))
        finally:
            namespace.remove_pod(name)

    def ask(self, service: str, operation: str, *, role: str | None = None, **parameters: object) -> Answer:
        """Return the answer of *operation* of *service*, asked with *role*, an ARN; that of the settings if None.

        Raises Refused, also where the role is not given, and Inconclusive where the cloud does not answer.
        """
        words = (role or self.settings["AWS_ROLE_ARN"], service, operation, json.dumps(parameters))
        ran = self.pod.execute(("python3", "-c", _ASK, *words))
        lines = ran.output.strip().splitlines()
        if not ran.succeeded or not lines:
            raise Inconclusive(f"{self.pod.name} could not ask: {ran.output.strip()[-300:]}", Missing.ANSWER)
        told = Answer(json.loads(lines[-1]))
        if told.text("refused"):
            raise Refused(told.text("refused"), told.text("Code"), told.text("Message"))
        if told.at("answer") is None:
            raise Inconclusive(f"the cloud did not answer {self.pod.name}: {told.text('failed')}", Missing.ANSWER)
        return told.part("answer")

    def keep_a_file(self) -> int:
        """Keep a file where the settings say that files are kept, and remove it; return the bytes that were kept.

        Raises as `ask` does.
        """
        place = {"Bucket": self.settings["GATEWAY_S3_BUCKET"], "Key": f"trials/{uuid.uuid4()}"}
        self.ask("s3", "put_object", Body="kept", **place)
        kept = self.ask("s3", "head_object", **place).number("ContentLength")
        self.ask("s3", "delete_object", **place)
        return kept or 0
