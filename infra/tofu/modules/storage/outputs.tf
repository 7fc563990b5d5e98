output "bucket_names" {
  description = "The buckets' names, by what they are for."
  value = merge(
    { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.bucket },
    { access-logs = aws_s3_bucket.access_logs.bucket },
  )
}

output "bucket_arns" {
  description = "The buckets' ARNs, by what they are for."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.arn }
}

output "file_system_id" {
  description = "The shared file system."
  value       = aws_efs_file_system.this.id
}

output "access_point_id" {
  description = "How the services mount it."
  value       = aws_efs_access_point.this.id
}

output "mount_target_ids" {
  description = "The mount targets, by the letter of their zone."
  value       = { for zone, target in aws_efs_mount_target.this : zone => target.id }
}

output "security_group_id" {
  description = "The shared files' security group."
  value       = aws_security_group.files.id
}

output "key_arn" {
  description = "The KMS key that encrypts objects and shared files."
  value       = aws_kms_key.this.arn
}
