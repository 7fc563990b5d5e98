output "arns" {
  description = "The entries' ARNs, by name."
  value       = { for entry, secret in aws_secretsmanager_secret.this : entry => secret.arn }
}

output "names" {
  description = "The entries' names in Secrets Manager, by name here."
  value       = { for entry, secret in aws_secretsmanager_secret.this : entry => secret.name }
}

output "key_arn" {
  description = "The KMS key that encrypts the entries."
  value       = aws_kms_key.this.arn
}
