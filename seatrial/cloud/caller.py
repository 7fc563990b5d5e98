"""A pod that calls the cloud as a service of the shop does, with the rights of the service account it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seatrial.cloud.inspection.roles import AUDIENCE
from seatrial.kube.pod import Identity, PodPlan
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from seatrial.kube.namespace import Namespace

# Where the settings of the services say that the token is.
_TOKEN = "/var/run/secrets/eks.amazonaws.com/serviceaccount"  # noqa: S105 - a path
_LABELS: Final = {"seatrial.dev/uses-aws": "true", "app": "caller"}
_DENIED = ("AccessDenied", "AccessDeniedException", "InvalidIdentityToken")
_MEMORY = "128Mi"
# Keeps something in the bucket that the gateway keeps its files in, and removes it; says how that went as JSON.
_KEEP = """
import json, os, uuid
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

session = botocore.session.get_session()
session.set_default_client_config(Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3}))
store = session.create_client(
    "s3", region_name=os.environ["GATEWAY_S3_REGION"], endpoint_url=os.environ.get("GATEWAY_S3_ENDPOINT"))
place = {"Bucket": os.environ["GATEWAY_S3_BUCKET"], "Key": f"trials/{uuid.uuid4()}"}
try:
    store.put_object(Body=b"kept", **place)
    same = store.get_object(**place)["Body"].read() == b"kept"
    store.delete_object(**place)
    print(json.dumps({"kept": same}))
except ClientError as error:
    print(json.dumps({"refused": error.operation_name, "code": error.response["Error"]["Code"]}))
except BotoCoreError as error:
    print(json.dumps({"failed": str(error)}))
"""


@dataclass(frozen=True)
class Attempt:
    """How an attempt to keep a file ended: *refused* names the operation that was refused for want of rights."""

    kept: bool
    refused: str = ""
    code: str = ""


def keep_a_file(shop: Namespace, image: str, account: str, *, settings: str = "gateway") -> Attempt:
    """Let a pod of *image* (one that has botocore) keep a file in the cloud as *account*, as *settings* say.

    Raises Inconclusive when the cloud was not asked, or answered with something else than a yes or a refusal.
    """
    identity = Identity(account, AUDIENCE, _TOKEN)
    plan = PodPlan(
        f"caller-as-{account}",
        image,
        ("python3", "-c", _KEEP),
        _LABELS,
        identity=identity,
        settings=settings,
        memory=_MEMORY,
    )
    said = shop.must_run(plan).output.strip().splitlines()
    told = json.loads(said[-1]) if said else {}
    if told.get("kept"):
        return Attempt(kept=True)
    if told.get("code") in _DENIED:
        return Attempt(kept=False, refused=told["refused"], code=told["code"])
    raise Inconclusive(f"the cloud gave no clear answer to {account}: {told or 'nothing was said'}", Missing.ANSWER)
