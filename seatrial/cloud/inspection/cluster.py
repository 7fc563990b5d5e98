"""The Kubernetes control plane, its node groups and its add-ons, as EKS tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from seatrial.cloud.account import Account, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_TYPES: Final = frozenset({"api", "audit", "authenticator", "controllerManager", "scheduler"})


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a node that do not tolerate it; *effect* in Kubernetes' words, such as ``NoSchedule``."""

    key: str
    value: str
    effect: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"


@dataclass(frozen=True)
class NodeGroup:
    """Nodes of one kind."""

    name: str
    instance_types: tuple[str, ...]
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    minimum: int
    desired: int
    maximum: int
    subnets: tuple[str, ...]
    version: str
    status: str
    role: str
    remote_access: bool


@dataclass(frozen=True)
class AddOn:
    """A part of the cluster that EKS installs."""

    name: str
    version: str
    status: str
    role: str

    @property
    def active(self) -> bool:
        """Whether it is installed and well."""
        return self.status == "ACTIVE"


@dataclass(frozen=True)
class EksCluster:
    """A cluster. *secrets_key* encrypts the secrets in its store before they are stored; empty if they are not."""

    name: str
    version: str
    status: str
    vpc: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    private: bool
    public: bool
    public_from: tuple[str, ...]
    log_types: frozenset[str]
    secrets_key: str
    issuer: str
    node_groups: tuple[NodeGroup, ...]
    add_ons: tuple[AddOn, ...]
    where: str

    @property
    def minor(self) -> tuple[int, int]:
        """Its version, to compare."""
        major, _, minor = self.version.partition(".")
        return int(major), int(minor)

    @property
    def secrets_encrypted(self) -> bool:
        """Whether secrets are encrypted with a key of the account's own."""
        return bool(self.secrets_key)

    @property
    def open_to_the_world(self) -> bool:
        """Whether its API can be spoken to from everywhere."""
        return self.public and any(each in {"0.0.0.0/0", "::/0"} for each in self.public_from)

    def node_group(self, name: str) -> NodeGroup:
        """Return a node group; raises NotFound, naming those that there are."""
        for each in self.node_groups:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.node_groups) or "none"
        raise NotFound(f"the node group {name} of {self.name} (node groups: {known})", self.where)

    def add_on(self, name: str) -> AddOn:
        """Return an add-on; raises NotFound, naming those that there are."""
        for each in self.add_ons:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.add_ons) or "none"
        raise NotFound(f"the add-on {name} of {self.name} (add-ons: {known})", self.where)


@dataclass(frozen=True)
class OidcProvider:
    """Whose tokens the account believes, and for which audiences."""

    arn: str
    issuer: str
    audiences: tuple[str, ...]


def eks_cluster(account: Account, name: str) -> EksCluster:
    """Return the cluster of a name with its node groups and add-ons; raises NotFound."""
    told = account.find(f"the cluster {name}", "eks", "describe_cluster", name=name).part("cluster")
    network = "resourcesVpcConfig"
    groups = account.names("eks", "list_nodegroups", "nodegroups", clusterName=name)
    add_ons = account.names("eks", "list_addons", "addons", clusterName=name)
    return EksCluster(
        name=name,
        version=told.text("version"),
        status=told.text("status"),
        vpc=told.text(f"{network}.vpcId"),
        subnets=told.texts(f"{network}.subnetIds"),
        security_groups=tuple(
            dict.fromkeys(
                each
                for each in (told.text(f"{network}.clusterSecurityGroupId"), *told.texts(f"{network}.securityGroupIds"))
                if each
            )
        ),
        private=told.flag(f"{network}.endpointPrivateAccess"),
        public=told.flag(f"{network}.endpointPublicAccess"),
        public_from=told.texts(f"{network}.publicAccessCidrs"),
        log_types=frozenset(
            kind
            for each in told.parts("logging.clusterLogging")
            if each.flag("enabled")
            for kind in each.texts("types")
        ),
        secrets_key=next(
            (
                each.text("provider.keyArn")
                for each in told.parts("encryptionConfig")
                if "secrets" in each.texts("resources")
            ),
            "",
        ),
        issuer=told.text("identity.oidc.issuer"),
        node_groups=tuple(_node_group(account, name, each) for each in groups),
        add_ons=tuple(_add_on(account, name, each) for each in add_ons),
        where=str(account),
    )


_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}


def _node_group(account: Account, cluster: str, name: str) -> NodeGroup:
    answer = account.ask("eks", "describe_nodegroup", clusterName=cluster, nodegroupName=name)
    told = answer.part("nodegroup")
    return NodeGroup(
        name=name,
        instance_types=told.texts("instanceTypes"),
        labels=told.mapping("labels"),
        taints=tuple(
            Taint(each.text("key"), each.text("value"), _EFFECTS.get(each.text("effect"), each.text("effect")))
            for each in told.parts("taints")
        ),
        minimum=told.number("scalingConfig.minSize") or 0,
        desired=told.number("scalingConfig.desiredSize") or 0,
        maximum=told.number("scalingConfig.maxSize") or 0,
        subnets=told.texts("subnets"),
        version=told.text("version"),
        status=told.text("status"),
        role=told.text("nodeRole"),
        remote_access=told.at("remoteAccess") is not None,
    )


def _add_on(account: Account, cluster: str, name: str) -> AddOn:
    told = account.ask("eks", "describe_addon", clusterName=cluster, addonName=name)
    return AddOn(
        name=name,
        version=told.text("addon.addonVersion"),
        status=told.text("addon.status"),
        role=told.text("addon.serviceAccountRoleArn"),
    )


def oidc_provider(account: Account, issuer: str) -> OidcProvider:
    """Return the provider by which the account believes an *issuer*; raises NotFound."""
    wanted = issuer.removeprefix("https://")
    for each in account.every("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList"):
        arn = each.text("Arn")
        if arn.partition(":oidc-provider/")[2] == wanted:
            told = account.ask("iam", "get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
            return OidcProvider(arn, issuer, told.texts("ClientIDList"))
    raise NotFound(f"an OpenID Connect provider for {issuer}", str(account))
