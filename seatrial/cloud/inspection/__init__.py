"""What exists in an account, as facts: read by the API, one frozen dataclass a thing, in the field's words.

Each reader takes an ``Account`` and returns what the API says now. What is looked for and not there is ``NotFound``,
which is an assertion: the thing was promised.
"""

from __future__ import annotations

from seatrial.cloud.inspection.caching import Cache, cache, caches
from seatrial.cloud.inspection.cluster import (
    LOG_TYPES,
    AddOn,
    EksCluster,
    NodeGroup,
    OidcProvider,
    Taint,
    eks_cluster,
    oidc_provider,
)
from seatrial.cloud.inspection.observability import (
    Alarm,
    LogGroup,
    Topic,
    alarm,
    alarms,
    log_group,
    log_groups,
    topic,
)
from seatrial.cloud.inspection.policies import Condition, Policy, Principal, Statement
from seatrial.cloud.inspection.registry import ExpiryRule, Repository, repositories, repository
from seatrial.cloud.inspection.relational import Database, database, databases
from seatrial.cloud.inspection.roles import Role, ServiceAccount, Trust, role, roles_trusting
from seatrial.cloud.inspection.secrecy import Key, Secret, key, secret, secrets
from seatrial.cloud.inspection.spending import Budget, Notification, budget
from seatrial.cloud.inspection.storage import (
    AccessPoint,
    Bucket,
    FileSystem,
    LifecycleRule,
    MountTarget,
    bucket,
    buckets,
    file_system,
    file_systems,
)

__all__ = [
    "LOG_TYPES",
    "AccessPoint",
    "AddOn",
    "Alarm",
    "Bucket",
    "Budget",
    "Cache",
    "Condition",
    "Database",
    "EksCluster",
    "ExpiryRule",
    "FileSystem",
    "Key",
    "LifecycleRule",
    "LogGroup",
    "MountTarget",
    "NodeGroup",
    "Notification",
    "OidcProvider",
    "Policy",
    "Principal",
    "Repository",
    "Role",
    "Secret",
    "ServiceAccount",
    "Statement",
    "Taint",
    "Topic",
    "Trust",
    "alarm",
    "alarms",
    "bucket",
    "buckets",
    "budget",
    "cache",
    "caches",
    "database",
    "databases",
    "eks_cluster",
    "file_system",
    "file_systems",
    "key",
    "log_group",
    "log_groups",
    "oidc_provider",
    "repositories",
    "repository",
    "role",
    "roles_trusting",
    "secret",
    "secrets",
    "topic",
]
