"""Controls of a platform in the cloud: what must hold of what exists, each with what was found where it does not.

Numbers of standards are those of the CIS Amazon Web Services Foundations Benchmark 3.0.0 (AWS) and of the CIS Amazon
Elastic Kubernetes Service Benchmark 1.5.0 (EKS), where these ask for the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from seatrial.cloud.inspection import (
    ServiceAccount,
    bucket,
    cache,
    database,
    eks_cluster,
    file_system,
    key,
    repository,
    role,
    secret,
)
from seatrial.cloud.inspection.cluster import LOG_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from seatrial.cloud.inspection import (
        Bucket,
        Cache,
        Database,
        EksCluster,
        FileSystem,
        NodeGroup,
        Repository,
        Role,
        Secret,
    )
    from seatrial.cloud.network import Network
    from seatrial.cloud.platform import Platform

_OLDEST: Final = (1, 28)
_BACKUPS: Final = timedelta(days=7)
_ABANDONED: Final = timedelta(days=7)
# What a node needs to join and to pull images; all else is for service accounts.
_NODE_POLICIES: Final = frozenset({"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"})
_DATA: Final = ("*", "dynamodb:", "kms:", "s3:", "secretsmanager:", "sns:", "sqs:", "ssm:")
# Groups by size: what runs the cluster, and what runs the business.
SIZES: Final[Mapping[str, str]] = {"system": "t3.medium", "application": "t3.large"}


@dataclass(frozen=True)
class Facts:
    """What exists of a platform; each part is read once, when it is looked at first."""

    platform: Platform

    @cached_property
    def network(self) -> Network:
        """The network."""
        return self.platform.network()

    @cached_property
    def cluster(self) -> EksCluster:
        """The cluster."""
        return eks_cluster(self.platform.account, self.platform.outputs["cluster_name"])

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """The role of each service account that has one, by namespace/name."""
        arns = self.platform.outputs["service_account_role_arns"]
        return {name: self._role(arn) for name, arn in arns.items()}

    @cached_property
    def node_roles(self) -> Mapping[str, Role]:
        """The role of the nodes of each group."""
        return {group.name: self._role(group.role) for group in self.cluster.node_groups}

    @cached_property
    def database(self) -> Database:
        """The database."""
        return database(self.platform.account, self.platform.outputs["database_identifier"])

    @cached_property
    def cache(self) -> Cache:
        """The cache."""
        return cache(self.platform.account, self.platform.outputs["cache_replication_group_id"])

    @cached_property
    def uploads(self) -> Bucket:
        """The store of uploads."""
        return bucket(self.platform.account, self.platform.outputs["bucket_names"]["uploads"])

    @cached_property
    def files(self) -> FileSystem:
        """The shared files."""
        return file_system(self.platform.account, self.platform.outputs["file_system_id"])

    @cached_property
    def repositories(self) -> Mapping[str, Repository]:
        """The image repository of each service."""
        urls = self.platform.outputs["repository_urls"]
        return {name: repository(self.platform.account, url.partition("/")[2]) for name, url in urls.items()}

    @cached_property
    def secrets(self) -> Mapping[str, Secret]:
        """Each entry of the store of secrets, by its short name."""
        arns = self.platform.outputs["secret_arns"]
        return {name: secret(self.platform.account, arn) for name, arn in arns.items()}

    def group(self, name: str) -> NodeGroup:
        """Return a group of nodes; raises NotFound."""
        return self.cluster.node_group(name)

    def own_key(self, identity: str) -> bool:
        """Whether *identity* names a key that the account decides about and that is replaced every year."""
        found = key(self.platform.account, identity) if identity else None
        return found is not None and found.customer and found.enabled and found.rotates

    def _role(self, arn: str) -> Role:
        return role(self.platform.account, arn.rpartition("/")[2])


@dataclass(frozen=True)
class Control:
    """Something that must hold; *check* gives a sentence for each place where it does not."""

    id: str
    sentence: str
    check: Callable[[Facts], Iterable[str]]
    standard: str = ""


def _recorded(facts: Facts) -> Iterator[str]:
    recorded = {log.resource for log in facts.network.flow_logs if log.active and log.traffic == "ALL"}
    for vpc in facts.network.vpcs:
        if vpc.identity not in recorded:
            yield f"not all traffic of {vpc.identity} is recorded"


def _admits(store: str) -> Callable[[Facts], Iterator[str]]:
    def check(facts: Facts) -> Iterator[str]:
        groups = facts.platform.outputs["security_group_ids"]
        found = facts.network.group(groups[store])
        if not found.ingress:
            yield f"{found.name} lets nobody in"
        for rule in found.ingress:
            others = set(rule.groups) - {groups["nodes"]}
            for whom in (*map(str, rule.cidrs), *sorted(others)):
                yield f"{found.name} lets {whom} in at {rule.ports}"

    return check


def _database_private(facts: Facts) -> Iterator[str]:
    if facts.database.public:
        yield f"{facts.database.name} has a public address"
    if others := facts.database.tiers(facts.network) - {"database"}:
        yield f"{facts.database.name} lies in {', '.join(sorted(others))} subnets"


def _database_standby(facts: Facts) -> Iterator[str]:
    if not facts.database.multi_az:
        yield f"{facts.database.name} has no standby"


def _database_encrypted(facts: Facts) -> Iterator[str]:
    if not (facts.database.encrypted and facts.own_key(facts.database.key)):
        yield f"{facts.database.name} is not encrypted with a key of our own"


def _database_backups(facts: Facts) -> Iterator[str]:
    if facts.database.backups < _BACKUPS:
        yield f"backups of {facts.database.name} are kept for {facts.database.backups.days} days"


def _cache_doubled(facts: Facts) -> Iterator[str]:
    if len(facts.cache.nodes) < 2:  # noqa: PLR2004 (one, and one to take its place)
        yield f"{facts.cache.name} has {len(facts.cache.nodes)} node"


def _cache_failover(facts: Facts) -> Iterator[str]:
    if not (facts.cache.automatic_failover and facts.cache.multi_az):
        yield f"{facts.cache.name} waits for a person when a node or a zone fails"


def _cache_encrypted(facts: Facts) -> Iterator[str]:
    if not facts.cache.encrypted_in_transit:
        yield f"{facts.cache.name} sends in the clear"
    if not (facts.cache.encrypted_at_rest and facts.own_key(facts.cache.key)):
        yield f"{facts.cache.name} does not encrypt what it keeps with a key of our own"


def _uploads_encrypted(facts: Facts) -> Iterator[str]:
    if not (facts.uploads.algorithm == "aws:kms" and facts.own_key(facts.uploads.key)):
        yield f"{facts.uploads.name} is not encrypted with a key of our own"


def _uploads_versioned(facts: Facts) -> Iterator[str]:
    if not facts.uploads.versioned:
        yield f"{facts.uploads.name} keeps no versions"


def _uploads_private(facts: Facts) -> Iterator[str]:
    if not facts.uploads.public_access_blocked:
        off = ", ".join(name for name, on in facts.uploads.blocks.items() if not on)
        yield f"objects of {facts.uploads.name} can be made public ({off} is off)"
    if facts.uploads.open_to_everybody:
        yield f"{facts.uploads.name} allows everybody something"


def _uploads_transport(facts: Facts) -> Iterator[str]:
    if not facts.uploads.tls_only:
        yield f"{facts.uploads.name} may be used over connections that are not encrypted"


def _uploads_abandoned(facts: Facts) -> Iterator[str]:
    kept = [rule.abort_uploads for rule in facts.uploads.lifecycle if rule.enabled and not rule.prefix]
    if not any(limit is not None and limit <= _ABANDONED for limit in kept):
        yield f"unfinished uploads stay in {facts.uploads.name}"


def _files_encrypted(facts: Facts) -> Iterator[str]:
    if not (facts.files.encrypted and facts.own_key(facts.files.key)):
        yield f"{facts.files.identity} is not encrypted with a key of our own"


def _secrets_encrypted(facts: Facts) -> Iterator[str]:
    if not facts.secrets:
        yield "there are no entries"
    for name, entry in facts.secrets.items():
        if not facts.own_key(entry.key):
            yield f"{name} is not encrypted with a key of our own"


def _images(fault: str, well: Callable[[Repository], bool]) -> Callable[[Facts], Iterator[str]]:
    def check(facts: Facts) -> Iterator[str]:
        if not facts.repositories:
            yield "there are no repositories"
        for found in facts.repositories.values():
            if not well(found):
                yield f"{fault} in {found.name}"

    return check


def _recent(facts: Facts) -> Iterator[str]:
    if facts.cluster.minor < _OLDEST:
        yield f"{facts.cluster.name} runs {facts.cluster.version}"


def _control_plane_logs(facts: Facts) -> Iterator[str]:
    for kind in sorted(LOG_TYPES - facts.cluster.log_types):
        yield f"{facts.cluster.name} keeps no log of {kind}"


def _control_plane_secrets(facts: Facts) -> Iterator[str]:
    if not facts.own_key(facts.cluster.secrets_key):
        yield f"secrets of {facts.cluster.name} are not encrypted with a key of our own"


def _sizes(facts: Facts) -> Iterator[str]:
    for name, size in SIZES.items():
        if facts.group(name).instance_types != (size,):
            yield f"{name} consists of {', '.join(facts.group(name).instance_types)}"


def _roles_trust(facts: Facts) -> Iterator[str]:
    if not facts.roles:
        yield "there are no roles"
    for account, found in facts.roles.items():
        namespace, _, name = account.partition("/")
        trust = found.trust(facts.cluster.issuer)
        if not trust.only(ServiceAccount(namespace, name)):
            yield f"{found.name} is not for {account} alone: {'; '.join(trust.gaps) or 'it names another'}"


def _roles_least(facts: Facts) -> Iterator[str]:
    for account, found in facts.roles.items():
        if not found.actions:
            yield f"{found.name} of {account} may do nothing"
        if wide := found.reaching_everything() | set(found.wild_actions):
            yield f"{found.name} of {account} may {', '.join(sorted(wide))} without naming what it is about"


def _nodes_least(facts: Facts) -> Iterator[str]:
    for group, found in facts.node_roles.items():
        for policy in found.policies:
            if policy.name not in _NODE_POLICIES:
                yield f"nodes of {group} hold {policy.name}"
        for action in sorted(found.actions):
            if action.startswith(_DATA):
                yield f"nodes of {group} may {action}"


CONTROLS: Final = (
    Control("traffic-recorded", "All traffic of the network is recorded", _recorded, "AWS 3.7"),
    Control("database-admits", "The database lets in the nodes alone", _admits("database"), "AWS 5.2"),
    Control("cache-admits", "The cache lets in the nodes alone", _admits("cache"), "AWS 5.2"),
    Control("files-admit", "The shared files let in the nodes alone", _admits("shared_files"), "AWS 5.2"),
    Control("database-private", "The database has no public address", _database_private, "AWS 2.3.3"),
    Control("database-standby", "The database has a standby in another zone", _database_standby),
    Control("database-encrypted", "The database is encrypted", _database_encrypted, "AWS 2.3.1"),
    Control("database-backups", "Backups of the database are kept for a week", _database_backups),
    Control("cache-doubled", "The cache has two nodes", _cache_doubled),
    Control("cache-failover", "A failing node of the cache is replaced by itself", _cache_failover),
    Control("cache-encrypted", "The cache encrypts what it keeps and sends", _cache_encrypted),
    Control("uploads-encrypted", "Uploads are encrypted", _uploads_encrypted),
    Control("uploads-versioned", "Each version of an upload is kept", _uploads_versioned),
    Control("uploads-private", "No upload can be made public", _uploads_private, "AWS 2.1.4"),
    Control("uploads-transport", "Uploads travel encrypted", _uploads_transport, "AWS 2.1.1"),
    Control("uploads-abandoned", "Unfinished uploads do not stay", _uploads_abandoned),
    Control("files-encrypted", "Shared files are encrypted", _files_encrypted, "AWS 2.4.1"),
    Control("secrets-encrypted", "Secrets are encrypted with a key of our own", _secrets_encrypted),
    Control(
        "images-scanned",
        "Images are scanned",
        _images("images are not scanned", lambda one: one.scan_on_push),
        "EKS 5.1.1",
    ),
    Control("images-immutable", "No image is replaced", _images("images can be replaced", lambda one: one.immutable)),
    Control("images-expire", "Old images go", _images("old images stay", lambda one: one.expires)),
    Control("cluster-recent", "The cluster runs 1.28 or later", _recent),
    Control("control-plane-logs", "Each kind of control-plane log is kept", _control_plane_logs, "EKS 2.1.1"),
    Control("control-plane-secrets", "Secrets of the cluster are encrypted", _control_plane_secrets, "EKS 5.3.1"),
    Control("group-sizes", "Each group of nodes has its size", _sizes),
    Control("roles-trust", "A role is for one service account", _roles_trust),
    Control("roles-least", "A role names what it is about", _roles_least, "AWS 1.16"),
    Control("nodes-least", "Nodes may do what nodes need", _nodes_least, "EKS 3.2"),
)
_BY_ID: Final = {control.id: control for control in CONTROLS}


def findings(identity: str, facts: Facts) -> tuple[str, ...]:
    """Return where the control *identity* does not hold; LookupError for one that there is not."""
    return tuple(_BY_ID[identity].check(facts))


def all_findings(platform: Platform) -> Mapping[str, tuple[str, ...]]:
    """Return for each control where it does not hold."""
    facts = Facts(platform)
    return {control.id: tuple(control.check(facts)) for control in CONTROLS}
