output "repository_urls" {
  description = "Where images are pushed and pulled, by service."
  value       = { for service, repository in aws_ecr_repository.this : service => repository.repository_url }
}

output "repository_arns" {
  description = "The repositories' ARNs, by service."
  value       = { for service, repository in aws_ecr_repository.this : service => repository.arn }
}

output "key_arn" {
  description = "The KMS key that encrypts the images."
  value       = aws_kms_key.this.arn
}
