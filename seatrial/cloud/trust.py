"""Rights in the cloud by a service account's token: the cloud believes the cluster, and gives a role to who it trusts.

This is what EKS calls IAM roles for service accounts
(https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html), with the cluster under test as
the issuer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from seatrial.cloud.account import Account, Refused
from seatrial.cloud.inspection.roles import AUDIENCE, ServiceAccount, trust_document

if TYPE_CHECKING:
    from seatrial.kube import Account as KubeAccount
    from seatrial.kube.api import Api

# The thumbprint of the issuer's certificate: asked for, and not looked at where the issuer's keys are known.
_THUMBPRINT = "0" * 40
_SESSION = "seatrial"


@dataclass(frozen=True)
class Grant:
    """Credentials that a role was given for, which end by themselves after *lasting*; *subject* is who got them."""

    subject: str
    lasting: timedelta
    temporary: bool


@dataclass(frozen=True)
class TrustedRole:
    """A role in *cloud*, an emulated account, that trusts one service account of one cluster."""

    cloud: Account
    arn: str

    @classmethod
    def create(cls, cloud: Account, api: Api, trusted: ServiceAccount) -> TrustedRole:
        """Let *cloud* believe the cluster behind *api*, and make a role in it that trusts *trusted* and nobody else."""
        issuer = api.ask("GET", "/.well-known/openid-configuration").text("issuer")
        keys = json.loads(api.request("GET", "/openid/v1/jwks"))["keys"]
        # A real account fetches them from the issuer's address, which an emulator cannot reach.
        told = httpx.put(f"{cloud.endpoint}/seatrial/issuers", json={"issuer": issuer, "keys": keys})
        told.raise_for_status()
        provider = cloud.ask(
            "iam",
            "create_open_id_connect_provider",
            Url=issuer,
            ClientIDList=[AUDIENCE],
            ThumbprintList=[_THUMBPRINT],
        ).text("OpenIDConnectProviderArn")
        policy = trust_document(provider, issuer, trusted)
        made = cloud.ask("iam", "create_role", RoleName=trusted.name, AssumeRolePolicyDocument=policy)
        return cls(cloud, made.text("Role.Arn"))

    def taken_by(self, account: KubeAccount, audience: str | None = AUDIENCE) -> Grant | Refused:
        """Ask for the role with a token that the cluster issues to *account* for *audience*, its own API if None."""
        try:
            answer = self.cloud.ask(
                "sts",
                "assume_role_with_web_identity",
                RoleArn=self.arn,
                RoleSessionName=_SESSION,
                WebIdentityToken=account.token(audience),
            )
        except Refused as refusal:
            return refusal
        ends = answer.moment("Credentials.Expiration")
        lasting = ends - datetime.now(UTC) if ends is not None else timedelta.max
        temporary = bool(answer.text("Credentials.SessionToken"))
        return Grant(answer.text("SubjectFromWebIdentityToken"), lasting, temporary)
