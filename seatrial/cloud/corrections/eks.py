"""EKS as its API reference has it: clusters with a security group, node groups as asked for, add-ons, updates."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import InvalidSubnetIdError
from moto.ec2.models import ec2_backends
from moto.eks import models, urls
from moto.eks.exceptions import InvalidParameterException, ResourceInUseException, ResourceNotFoundException
from moto.eks.responses import EKSResponse

from seatrial.cloud.corrections.registry import Corrections, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

EKS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/eks/latest/APIReference/"
_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# One version that exists of each add-on; what a cluster gets that asks for none.
_ADDON_VERSIONS = {
    "vpc-cni": "v1.19.0-eksbuild.1",
    "coredns": "v1.11.3-eksbuild.2",
    "kube-proxy": "v1.31.2-eksbuild.3",
    "aws-ebs-csi-driver": "v1.37.0-eksbuild.1",
    "aws-efs-csi-driver": "v2.1.0-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.4-eksbuild.1",
    "metrics-server": "v0.7.2-eksbuild.1",
    "amazon-cloudwatch-observability": "v2.6.0-eksbuild.1",
    "snapshot-controller": "v8.1.0-eksbuild.2",
}


@dataclass
class Addon:
    """An add-on of a cluster: https://docs.aws.amazon.com/eks/latest/APIReference/API_Addon.html."""

    addon_name: str
    cluster_name: str
    addon_version: str
    addon_arn: str
    service_account_role_arn: str | None
    configuration_values: str | None
    tags: Mapping[str, str]
    status: str = "ACTIVE"
    health: Mapping[str, list[object]] = field(default_factory=lambda: {"issues": []})
    created_at: datetime = field(default_factory=utcnow)
    modified_at: datetime = field(default_factory=utcnow)


@EKS.instead(models, "Cluster", reference=_REFERENCE + "API_Cluster.html")
class Cluster(models.Cluster):
    """A cluster has an issuer of its own, a network it names, and says of each log type whether it is written.

    VpcConfigResponse and Logging:
    https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigResponse.html
    https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html
    """

    def __init__(self, **wishes: object) -> None:
        super().__init__(**wishes)  # type: ignore[arg-type]
        region = str(wishes["region_name"])
        self.ec2 = ec2_backends[str(wishes["account_id"])][region]
        self.addons: dict[str, Addon] = {}
        self.updates: dict[str, Mapping[str, object]] = {}
        self.identity = {
            "oidc": {"issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{secrets.token_hex(16).upper()}"}
        }
        self.logging = complete_logging(self.logging)
        self.kubernetes_network_config = {"ipFamily": "ipv4", **self.kubernetes_network_config}
        network = self.resources_vpc_config
        vpc = self._vpc(list(network.get("subnetIds") or []))
        group = self._security_group(vpc) if vpc else None
        # An access that is not asked for is not missing: public is on, private off, and public means from everywhere.
        public = network.get("endpointPublicAccess", True)
        self.resources_vpc_config = {
            "securityGroupIds": [],
            "endpointPrivateAccess": False,
            "endpointPublicAccess": public,
            "publicAccessCidrs": ["0.0.0.0/0"] if public else [],
            **{key: value for key, value in network.items() if value is not None},
            "vpcId": vpc,
            "clusterSecurityGroupId": group,
        }

    def _vpc(self, subnets: list[str]) -> str | None:
        """Return the cloud that all subnets are in; raises InvalidParameterException unless there is one."""
        if not subnets:
            return None
        try:
            clouds = {each.vpc_id for each in self.ec2.describe_subnets(subnet_ids=subnets)}
        except InvalidSubnetIdError as missing:
            raise InvalidParameterException(message=f"The subnet ID does not exist: {missing}") from missing
        if len(clouds) != 1:
            raise InvalidParameterException(message="Subnets specified must be in the same VPC.")
        return str(clouds.pop())

    def _security_group(self, vpc: str) -> str:
        """Make the group that EKS makes for each cluster; its members may talk to each other."""
        group = self.ec2.create_security_group(
            f"eks-cluster-sg-{self.name}-{secrets.randbelow(10**9)}",
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as"
            " any managed workloads.",
            vpc_id=vpc,
            tags={"aws:eks:cluster-name": self.name, f"kubernetes.io/cluster/{self.name}": "owned"},
        )
        self.ec2.authorize_security_group_ingress(
            group_name_or_id=group.id,
            ip_protocol="-1",
            from_port="-1",
            to_port="-1",
            ip_ranges=[],
            source_groups=[{"GroupId": group.id}],
            vpc_id=vpc,
        )
        return str(group.id)

    def gone(self) -> None:
        """Take the security group along."""
        group = self.resources_vpc_config.get("clusterSecurityGroupId")
        if group and self.ec2.get_security_group_from_id(group):
            self.ec2.delete_security_group(group_id=group)


def complete_logging(wished: Mapping[str, object]) -> dict[str, object]:
    """Return the set-up of all log types, those not mentioned in *wished* being off."""
    enabled: list[str] = []
    setups = wished.get("clusterLogging")
    for setup in setups if isinstance(setups, list) else []:
        if setup.get("enabled"):
            enabled.extend(setup.get("types") or [])
    rest = [each for each in _LOG_TYPES if each not in enabled]
    both = ({"types": enabled, "enabled": True}, {"types": rest, "enabled": False})
    return {"clusterLogging": [each for each in both if each["types"]]}


@EKS.instead(models, "Nodegroup", reference=_REFERENCE + "API_Nodegroup.html")
class Nodegroup(models.Nodegroup):
    """A node group says no more than it was asked for.

    There is no remote access, nor a security group for it, unless somebody asked for it, and no disk size where a
    launch template says how large disks are.
    """

    def __init__(self, **wishes: object) -> None:
        super().__init__(**wishes)  # type: ignore[arg-type]
        if not wishes.get("remote_access"):
            del self.remote_access
            del self.resources["remoteAccessSecurityGroup"]
        if wishes.get("launch_template"):
            del self.disk_size


@EKS.around(models.EKSBackend, "create_nodegroup", reference=_REFERENCE + "API_CreateNodegroup.html")
def create_node_group(
    original: Callable[..., models.Nodegroup], backend: models.EKSBackend, cluster_name: str, **wishes: object
) -> models.Nodegroup:
    """Give the nodes the cluster's version where none is asked for."""
    cluster = backend.clusters.get(cluster_name)
    if cluster is not None:
        wishes["version"] = wishes.get("version") or cluster.version
        wishes["release_version"] = wishes.get("release_version") or f"{wishes['version']}.0-20241121"
    return original(backend, cluster_name=cluster_name, **wishes)


@EKS.around(models.EKSBackend, "delete_cluster", reference=_REFERENCE + "API_DeleteCluster.html")
def delete_cluster(original: Callable[..., Cluster], backend: models.EKSBackend, name: str) -> Cluster:
    """Delete the security group that EKS had made for the cluster together with it."""
    cluster = original(backend, name)
    cluster.gone()
    return cluster


@EKS.around(models.EKSBackend, "tag_resource", reference=_REFERENCE + "API_TagResource.html")
def tag_resource(
    original: Callable[..., None], backend: models.EKSBackend, resource_arn: str, tags: Mapping[str, str]
) -> None:
    """Tag node groups and add-ons as well, where moto knows clusters alone."""
    part = _part(backend, resource_arn)
    if part is None:
        original(backend, resource_arn, tags)
    else:
        part.tags = {**part.tags, **tags}


@EKS.around(models.EKSBackend, "untag_resource", reference=_REFERENCE + "API_UntagResource.html")
def untag_resource(
    original: Callable[..., None], backend: models.EKSBackend, resource_arn: str, tag_keys: Sequence[str] | str
) -> None:
    """Untag node groups and add-ons as well."""
    part = _part(backend, resource_arn)
    if part is None:
        original(backend, resource_arn, tag_keys)
    else:
        gone = {tag_keys} if isinstance(tag_keys, str) else set(tag_keys)
        part.tags = {key: value for key, value in part.tags.items() if key not in gone}


@EKS.around(models.EKSBackend, "list_tags_for_resource", reference=_REFERENCE + "API_ListTagsForResource.html")
def list_tags(
    original: Callable[..., Mapping[str, str]], backend: models.EKSBackend, resource_arn: str
) -> Mapping[str, str]:
    """Tell the tags of node groups and add-ons as well."""
    part = _part(backend, resource_arn)
    return original(backend, resource_arn) if part is None else part.tags


@EKS.around(EKSResponse, "update_cluster_config", reference=_REFERENCE + "API_UpdateClusterConfig.html")
def update_cluster_config(original: Callable[..., object], response: EKSResponse) -> ActionResult:
    """Change what is mentioned and nothing else, and return an update that can be asked after."""
    del original
    cluster = _cluster(response)
    network = asked(response, "resourcesVpcConfig")
    logging = asked(response, "logging")
    if network:
        cluster.resources_vpc_config.update(network)
        if not cluster.resources_vpc_config["endpointPublicAccess"]:
            cluster.resources_vpc_config["publicAccessCidrs"] = []
        elif not cluster.resources_vpc_config["publicAccessCidrs"]:
            cluster.resources_vpc_config["publicAccessCidrs"] = ["0.0.0.0/0"]
        return _updated(cluster, "EndpointAccessUpdate", network)
    if logging:
        before: Sequence[object] = cluster.logging["clusterLogging"]
        mentioned = {each for setup in logging["clusterLogging"] for each in setup["types"]}
        kept = [
            {**setup, "types": [each for each in setup["types"] if each not in mentioned]}
            for setup in before
            if isinstance(setup, dict)
        ]
        cluster.logging = complete_logging({"clusterLogging": [*kept, *logging["clusterLogging"]]})
        return _updated(cluster, "LoggingUpdate", logging)
    raise InvalidParameterException(message="No changes needed: neither the network nor the logging is named.")


@EKS.adding(EKSResponse, "update_cluster_version", reference=_REFERENCE + "API_UpdateClusterVersion.html")
def update_cluster_version(response: EKSResponse) -> ActionResult:
    """Bring the control plane to another version, by one minor version at a time."""
    cluster = _cluster(response)
    wanted = str(asked(response, "version"))
    if not re.fullmatch(r"1\.\d+", wanted) or _minor(wanted) - _minor(cluster.version) not in (0, 1):
        raise InvalidParameterException(message=f"Unsupported minor version update from {cluster.version} to {wanted}")
    cluster.version = wanted
    return _updated(cluster, "VersionUpdate", {"version": wanted})


@EKS.adding(EKSResponse, "update_nodegroup_version", reference=_REFERENCE + "API_UpdateNodegroupVersion.html")
def update_nodegroup_version(response: EKSResponse) -> ActionResult:
    """Bring a node group to the version asked for, or to its cluster's."""
    cluster = _cluster(response)
    name = str(asked(response, "nodegroupName"))
    group = cluster.nodegroups.get(name)
    if group is None:
        raise _missing(f"No node group found for name: {name}.")
    group.version = asked(response, "version") or cluster.version
    return _updated(cluster, "VersionUpdate", {"version": group.version})


@EKS.around(EKSResponse, "update_nodegroup_config", reference=_REFERENCE + "API_UpdateNodegroupConfig.html")
def update_nodegroup_config(original: Callable[..., ActionResult], response: EKSResponse) -> ActionResult:
    """Return an update that can be asked after, once the node group has been changed."""
    original(response)
    return _updated(_cluster(response), "ConfigUpdate", {})


@EKS.adding(EKSResponse, "describe_update", reference=_REFERENCE + "API_DescribeUpdate.html")
def describe_update(response: EKSResponse) -> ActionResult:
    """Tell how an update went; here it is always done."""
    identity = str(asked(response, "updateId"))
    update = _cluster(response).updates.get(identity)
    if update is None:
        raise _missing(f"No update found for ID: {identity}")
    return ActionResult({"update": update})


@EKS.adding(EKSResponse, "list_updates", reference=_REFERENCE + "API_ListUpdates.html")
def list_updates(response: EKSResponse) -> ActionResult:
    """Tell the identities of all updates of a cluster."""
    return ActionResult({"updateIds": list(_cluster(response).updates)})


@EKS.adding(EKSResponse, "create_addon", reference=_REFERENCE + "API_CreateAddon.html")
def create_addon(response: EKSResponse) -> ActionResult:
    """Install an add-on; ResourceInUseException if the cluster has it."""
    cluster = _cluster(response)
    backend = response.eks_backend
    name = str(asked(response, "addonName"))
    if name in cluster.addons:
        raise ResourceInUseException(
            clusterName=cluster.name, nodegroupName=None, addonName=name, message="Addon already exists."
        )
    if name not in _ADDON_VERSIONS:
        raise InvalidParameterException(message=f"Addon {name} specified is not supported")
    arn = f"arn:aws:eks:{backend.region_name}:{backend.account_id}:addon/{cluster.name}/{name}/{uuid.uuid4()}"
    addon = Addon(
        addon_name=name,
        cluster_name=cluster.name,
        addon_version=asked(response, "addonVersion") or _ADDON_VERSIONS[name],
        addon_arn=arn,
        service_account_role_arn=asked(response, "serviceAccountRoleArn"),
        configuration_values=asked(response, "configurationValues"),
        tags=asked(response, "tags") or {},
    )
    cluster.addons[name] = addon
    return ActionResult({"addon": addon})


@EKS.adding(EKSResponse, "describe_addon", reference=_REFERENCE + "API_DescribeAddon.html")
def describe_addon(response: EKSResponse) -> ActionResult:
    """Tell of an add-on; ResourceNotFoundException if the cluster does not have it."""
    return ActionResult({"addon": _addon(response)})


@EKS.adding(EKSResponse, "update_addon", reference=_REFERENCE + "API_UpdateAddon.html")
def update_addon(response: EKSResponse) -> ActionResult:
    """Change an add-on's version, role or configuration, and return an update that can be asked after."""
    addon = _addon(response)
    addon.addon_version = asked(response, "addonVersion") or addon.addon_version
    addon.service_account_role_arn = asked(response, "serviceAccountRoleArn") or addon.service_account_role_arn
    addon.configuration_values = asked(response, "configurationValues") or addon.configuration_values
    addon.modified_at = utcnow()
    return _updated(_cluster(response), "AddonUpdate", {"addonVersion": addon.addon_version})


@EKS.adding(EKSResponse, "delete_addon", reference=_REFERENCE + "API_DeleteAddon.html")
def delete_addon(response: EKSResponse) -> ActionResult:
    """Take an add-on out; ResourceNotFoundException if the cluster does not have it."""
    addon = _addon(response)
    del _cluster(response).addons[addon.addon_name]
    return ActionResult({"addon": addon})


@EKS.adding(EKSResponse, "list_addons", reference=_REFERENCE + "API_ListAddons.html")
def list_addons(response: EKSResponse) -> ActionResult:
    """Tell the names of a cluster's add-ons."""
    return ActionResult({"addons": sorted(_cluster(response).addons)})


@EKS.adding(EKSResponse, "describe_addon_versions", reference=_REFERENCE + "API_DescribeAddonVersions.html")
def describe_addon_versions(response: EKSResponse) -> ActionResult:
    """Tell one version of each add-on known here (one that exists), compatible with the version asked about."""
    wanted = response.querystring.get("addonName", [None])[0]
    version = response.querystring.get("kubernetesVersion", [models.DEFAULT_KUBERNETES_VERSION])[0]
    compatible = [{"clusterVersion": version, "platformVersions": ["*"], "defaultVersion": True}]
    return ActionResult(
        {
            "addons": [
                {
                    "addonName": name,
                    "addonVersions": [{"addonVersion": number, "compatibilities": compatible}],
                    "owner": "aws",
                    "publisher": "eks",
                }
                for name, number in _ADDON_VERSIONS.items()
                if wanted in (None, name)
            ]
        }
    )


def _routes() -> dict[str, object]:
    """Return moto's routes and those of the operations it does not have."""
    cluster = "{0}/clusters/(?P<name>[^/]+)"
    added = (
        f"{cluster}/addons$",
        f"{cluster}/addons/(?P<addonName>[^/]+)$",
        f"{cluster}/addons/(?P<addonName>[^/]+)/update$",
        f"{cluster}/updates$",
        f"{cluster}/updates/(?P<updateId>[^/]+)$",
        f"{cluster}/node-groups/(?P<nodegroupName>[^/]+)/update-version$",
        "{0}/addons/supported-versions$",
    )
    return {**urls.url_paths, **dict.fromkeys(added, urls.response.dispatch)}


EKS.value(urls, "url_paths", _routes(), reference=_REFERENCE + "API_Operations.html")


def _cluster(response: EKSResponse) -> Cluster:
    cluster = response.eks_backend.describe_cluster(str(asked(response, "name")))
    if not isinstance(cluster, Cluster):
        raise TypeError(f"the cluster {cluster.name} was made before the corrections were applied")
    return cluster


def _part(backend: models.EKSBackend, arn: str) -> models.Nodegroup | Addon | None:
    for cluster in backend.clusters.values():
        for group in cluster.nodegroups.values():
            if group.arn == arn:
                return group
        for addon in cluster.addons.values() if isinstance(cluster, Cluster) else ():
            if addon.addon_arn == arn:
                return addon
    return None


def _addon(response: EKSResponse) -> Addon:
    cluster = _cluster(response)
    name = str(asked(response, "addonName"))
    if name not in cluster.addons:
        raise _missing(f"No addon: {name} found in cluster: {cluster.name}")
    return cluster.addons[name]


def _updated(cluster: Cluster, kind: str, parameters: Mapping[str, object]) -> ActionResult:
    update = {
        "id": str(uuid.uuid4()),
        "status": "Successful",
        "type": kind,
        "params": [{"type": _capital(key), "value": str(value)} for key, value in parameters.items()],
        "createdAt": utcnow(),
        "errors": [],
    }
    cluster.updates[str(update["id"])] = update
    return ActionResult({"update": update})


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _missing(message: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(
        clusterName=None, nodegroupName=None, fargateProfileName=None, addonName=None, message=message
    )


def _minor(version: str) -> int:
    return int(version.partition(".")[2] or 0)
