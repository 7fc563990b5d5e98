output "identifier" {
  description = "The database's identifier."
  value       = aws_db_instance.this.identifier
}

output "address" {
  description = "The host name to call."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "The port to call."
  value       = var.port
}

output "security_group_id" {
  description = "The database's security group."
  value       = aws_security_group.this.id
}

output "subnet_group_name" {
  description = "The group of subnets that the database may be in."
  value       = aws_db_subnet_group.this.name
}

output "key_arn" {
  description = "The KMS key that encrypts the database."
  value       = aws_kms_key.this.arn
}

output "log_group_names" {
  description = "Where the database's logs are."
  value       = sort([for group in aws_cloudwatch_log_group.this : group.name])
}

output "username" {
  description = "The administrator's name."
  value       = var.username
}
