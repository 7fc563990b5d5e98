output "vpc_id" {
  description = "The network's id."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "The network's addresses."
  value       = aws_vpc.this.cidr_block
}

output "subnet_ids" {
  description = "The subnets by tier, each in the order of the zones given."
  value = {
    public   = [for zone in var.zones : aws_subnet.public[zone].id]
    private  = [for zone in var.zones : aws_subnet.private[zone].id]
    database = [for zone in var.zones : aws_subnet.database[zone].id]
  }
}

output "private_subnet_ids_by_zone" {
  description = "The private subnets by the letter of their zone."
  value       = { for zone in var.zones : zone => aws_subnet.private[zone].id }
}

output "nat_gateway_ids" {
  description = "The NAT gateways by the letter of their zone."
  value       = { for zone, gateway in aws_nat_gateway.this : zone => gateway.id }
}

output "route_table_ids" {
  description = "The route tables: one for public, one for database, and by zone for private."
  value = {
    public   = aws_route_table.public.id
    database = aws_route_table.database.id
    private  = { for zone, table in aws_route_table.private : zone => table.id }
  }
}

output "network_acl_ids" {
  description = "The network access lists by tier."
  value = {
    public   = aws_network_acl.public.id
    private  = aws_network_acl.private.id
    database = aws_network_acl.database.id
  }
}

output "flow_log_group_name" {
  description = "Where the flow logs are."
  value       = aws_cloudwatch_log_group.flows.name
}
