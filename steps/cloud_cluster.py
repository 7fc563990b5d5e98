"""Steps about a managed cluster in the cloud: its control plane, its nodes, and who may do what in the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bdd import then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.controls import SIZES, Facts, findings
from seatrial.cloud.inspection import ServiceAccount

if TYPE_CHECKING:
    from seatrial.cloud.inspection import Role
    from seatrial.cloud.platform import Platform


@when("its cluster is looked at", target_fixture="facts")
def look_at_cluster(platform: Platform) -> Facts:
    facts = Facts(platform)
    assert facts.cluster.status == "ACTIVE"
    return facts


@when(parse("the role of {account} is looked at"), target_fixture="role")
def look_at_role(platform: Platform, account: str) -> Role:
    facts = Facts(platform)
    return facts.node_roles["application"] if account == "the nodes" else facts.roles[account]


@then(parse("the version is at least {major:d}.{minor:d}"))
def version_is_recent(facts: Facts, major: int, minor: int) -> None:
    assert facts.cluster.minor >= (major, minor)


@then("each kind of control-plane log is kept")
def control_plane_logs(facts: Facts) -> None:
    assert findings("control-plane-logs", facts) == ()


@then("its secrets are encrypted with a key of our own")
def cluster_secrets_encrypted(facts: Facts) -> None:
    assert findings("control-plane-secrets", facts) == ()


@then(parse("the {group} group consists of {size} machines"))
def group_size(facts: Facts, group: str, size: str) -> None:
    assert facts.group(group).instance_types == (size,)


@then(parse("both groups spread over at least {count:d} zones"))
def groups_spread(facts: Facts, count: int) -> None:
    zones = {name: {facts.network.subnet(each).zone for each in facts.group(name).subnets} for name in SIZES}
    assert min(map(len, zones.values())) >= count


@then(parse("the service account {account} may take it"))
def account_may_take_it(platform: Platform, role: Role, account: str) -> None:
    namespace, _, name = account.partition("/")
    trust = role.trust(Facts(platform).cluster.issuer)
    assert ServiceAccount(namespace, name) in trust.service_accounts


@then("its rights name each thing that it may touch")
def rights_are_narrow(role: Role) -> None:
    assert role.actions
    assert role.reaching_everything() == frozenset()
    assert role.wild_actions == ()


@then("no other service account may take it")
def nobody_else_may_take_it(platform: Platform, role: Role) -> None:
    assert len(role.trust(Facts(platform).cluster.issuer).service_accounts) == 1


@then("neither a person nor a machine may take it")
def trust_has_no_gaps(platform: Platform, role: Role) -> None:
    assert role.trust(Facts(platform).cluster.issuer).gaps == ()


@then("it opens no secret, no stored object and no message")
def nodes_open_no_data(platform: Platform) -> None:
    assert findings("nodes-least", Facts(platform)) == ()


@then("it holds only what a node needs")
def nodes_hold_what_they_need(role: Role) -> None:
    assert {policy.name for policy in role.policies if policy.managed} == {policy.name for policy in role.policies}
