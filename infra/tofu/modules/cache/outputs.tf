output "replication_group_id" {
  description = "The cache's identifier."
  value       = aws_elasticache_replication_group.this.id
}

output "address" {
  description = "The host name to call; it follows the node that takes writes."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "The port to call."
  value       = var.port
}

output "member_ids" {
  description = "The nodes' identifiers, as the measurements name them."
  value       = [for number in range(1, var.nodes + 1) : format("%s-%03d", local.identifier, number)]
}

output "security_group_id" {
  description = "The cache's security group."
  value       = aws_security_group.this.id
}

output "subnet_group_name" {
  description = "The group of subnets that the cache may be in."
  value       = aws_elasticache_subnet_group.this.name
}

output "key_arn" {
  description = "The KMS key that encrypts the cache."
  value       = aws_kms_key.this.arn
}
