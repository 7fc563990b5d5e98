"""EC2 as its API reference has it: gateways that say how they connect, access lists that deny in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moto.ec2.exceptions import InvalidLaunchTemplateIdNotFound, InvalidNetworkAclIdError
from moto.ec2.models import EC2Backend
from moto.ec2.responses.account_attributes import AccountAttributes

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from moto.core.responses import ActionResult
    from moto.ec2.models.flow_logs import FlowLogs
    from moto.ec2.models.launch_templates import LaunchTemplate
    from moto.ec2.models.nat_gateways import NatGateway
    from moto.ec2.models.network_acls import NetworkAcl
    from moto.ec2.models.vpcs import VPC, VPCEndPoint

EC2: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"
_LAST_RULE = 32767  # shown as "*" in the console: it can be neither changed nor removed


@EC2.around(EC2Backend, "create_nat_gateway", reference=_REFERENCE + "API_CreateNatGateway.html")
def create_nat_gateway(original: Callable[..., NatGateway], backend: EC2Backend, **wishes: object) -> NatGateway:
    """Make a gateway that is public unless asked otherwise (ConnectivityType), and say so in its description."""
    return original(backend, **{**wishes, "connectivity_type": wishes.get("connectivity_type") or "public"})


@EC2.around(EC2Backend, "delete_nat_gateway", reference=_REFERENCE + "API_DeleteNatGateway.html")
def delete_nat_gateway(original: Callable[..., NatGateway], backend: EC2Backend, nat_gateway_id: str) -> NatGateway:
    """Take the gateway's network interface away, which disassociates its address but does not release it."""
    gateway = original(backend, nat_gateway_id)
    for address in gateway.address_set:
        if address.get("associationId"):
            backend.disassociate_address(association_id=address["associationId"])
        backend.enis.pop(address["networkInterfaceId"], None)
    return gateway


@EC2.around(EC2Backend, "create_vpc_endpoint", reference=_REFERENCE + "API_CreateVpcEndpoint.html")
def create_vpc_endpoint(original: Callable[..., VPCEndPoint], backend: EC2Backend, **wishes: object) -> VPCEndPoint:
    """Make a gateway endpoint unless asked otherwise (VpcEndpointType), and say so in its description."""
    return original(backend, **{**wishes, "endpoint_type": wishes.get("endpoint_type") or "Gateway"})


@EC2.around(EC2Backend, "delete_vpc", reference=_REFERENCE + "API_DeleteVpc.html")
def delete_vpc(original: Callable[..., VPC], backend: EC2Backend, vpc_id: str) -> VPC:
    """Delete the default network access list with the cloud, as its default security group and main route table."""
    vpc = original(backend, vpc_id)
    for acl in [each for each in backend.network_acls.values() if each.vpc_id == vpc_id and each.default]:
        del backend.network_acls[acl.id]
    return vpc


@EC2.around(
    AccountAttributes, "describe_account_attributes", reference=_REFERENCE + "API_DescribeAccountAttributes.html"
)
def describe_account_attributes(original: Callable[..., ActionResult], response: AccountAttributes) -> ActionResult:
    """Say that the region supports VPC alone: EC2-Classic, for which addresses are different things, is retired."""
    told = original(response)
    result = told.result
    for attribute in result["AccountAttributes"] if isinstance(result, dict) else []:
        if attribute["AttributeName"] == "supported-platforms":
            attribute["AttributeValues"] = [{"AttributeValue": "VPC"}]
    return told


@EC2.around(EC2Backend, "create_launch_template", reference=_REFERENCE + "API_CreateLaunchTemplate.html")
def create_launch_template(
    original: Callable[..., LaunchTemplate],
    backend: EC2Backend,
    name: str,
    description: str,
    template_data: Mapping[str, Sequence[Mapping[str, object]]],
    tag_spec: Mapping[str, Mapping[str, str]],
) -> LaunchTemplate:
    """Keep the template's own tags (TagSpecifications) out of what it says of instances (LaunchTemplateData)."""
    kept = [each for each in template_data.get("TagSpecifications", ()) if each["ResourceType"] != "launch-template"]
    data = {key: value for key, value in template_data.items() if key != "TagSpecifications"}
    return original(backend, name, description, {**data, "TagSpecifications": kept} if kept else data, tag_spec)


@EC2.around(EC2Backend, "describe_network_acls", reference=_REFERENCE + "errors-overview.html")
def describe_network_acls(
    original: Callable[..., list[NetworkAcl]],
    backend: EC2Backend,
    network_acl_ids: Sequence[str] | None = None,
    filters: object = None,
) -> list[NetworkAcl]:
    """Say that there is no access list of the identity (InvalidNetworkAclID.NotFound), not that there is no table."""
    for each in network_acl_ids or ():
        if each not in backend.network_acls:
            raise InvalidNetworkAclIdError(each)
    return original(backend, network_acl_ids, filters)


@EC2.around(EC2Backend, "describe_launch_templates", reference=_REFERENCE + "errors-overview.html")
def describe_launch_templates(
    original: Callable[..., list[LaunchTemplate]],
    backend: EC2Backend,
    template_names: Sequence[str] | None = None,
    template_ids: Sequence[str] | None = None,
    filters: object = None,
) -> list[LaunchTemplate]:
    """Say that there is no template of the identity (InvalidLaunchTemplateId.NotFound), where moto tells of none."""
    for each in template_ids or ():
        if each not in backend.launch_templates:
            raise InvalidLaunchTemplateIdNotFound(each)
    return original(backend, template_names, template_ids, filters)


@EC2.around(
    EC2Backend,
    "create_network_acl",
    reference="https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html",
)
def create_network_acl(
    original: Callable[..., NetworkAcl], backend: EC2Backend, *arguments: object, **named: object
) -> NetworkAcl:
    """Let a new list deny all traffic, in both directions, by the rule that each list ends with."""
    made = original(backend, *arguments, **named)
    for egress in (False, True):
        if not any(entry.egress == egress and entry.rule_number == _LAST_RULE for entry in made.network_acl_entries):
            backend.create_network_acl_entry(
                network_acl_id=made.id,
                rule_number=_LAST_RULE,
                protocol="-1",
                rule_action="deny",
                egress=egress,
                cidr_block="0.0.0.0/0",
                icmp_code=None,
                icmp_type=None,
                port_range_from=None,
                port_range_to=None,
                ipv6_cidr_block=None,
            )
    return made


@EC2.around(EC2Backend, "create_flow_logs", reference=_REFERENCE + "API_FlowLog.html")
def create_flow_logs(
    original: Callable[..., tuple[list[FlowLogs], list[object]]], backend: EC2Backend, **wishes: object
) -> tuple[list[FlowLogs], list[object]]:
    """Look for the log group under the name its ARN holds (LogDestination), and tell of it as LogGroupName."""
    destination = str(wishes.get("log_destination") or "")
    if not wishes.get("log_group_name") and ":log-group:" in destination:
        wishes["log_group_name"] = destination.partition(":log-group:")[2].removesuffix(":*")
    return original(backend, **wishes)
