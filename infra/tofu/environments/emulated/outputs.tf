output "vpc_id" {
  description = "The network."
  value       = module.platform.vpc_id
}

output "subnet_ids" {
  description = "The subnets: public, private and database, each in the order of the zones."
  value       = module.platform.subnet_ids
}

output "security_group_ids" {
  description = "The security groups: control_plane, nodes, database, cache and shared_files."
  value       = module.platform.security_group_ids
}

output "cluster_name" {
  description = "The cluster."
  value       = module.platform.cluster_name
}

output "cluster_endpoint" {
  description = "Where the cluster's API is."
  value       = module.platform.cluster_endpoint
}

output "node_group_names" {
  description = "The node groups."
  value       = module.platform.node_group_names
}

output "oidc_provider_arn" {
  description = "The identity provider that vouches for the cluster's service accounts."
  value       = module.platform.oidc_provider_arn
}

output "service_account_role_arns" {
  description = "The roles of the service accounts, as namespace/name."
  value       = module.platform.service_account_role_arns
}

output "database_identifier" {
  description = "The database."
  value       = module.platform.database_identifier
}

output "database_address" {
  description = "The database's host name."
  value       = module.platform.database_address
}

output "cache_replication_group_id" {
  description = "The cache."
  value       = module.platform.cache_replication_group_id
}

output "cache_address" {
  description = "The cache's host name."
  value       = module.platform.cache_address
}

output "bucket_names" {
  description = "The buckets, by what they are for."
  value       = module.platform.bucket_names
}

output "file_system_id" {
  description = "The shared file system."
  value       = module.platform.file_system_id
}

output "access_point_id" {
  description = "How the services mount the shared file system."
  value       = module.platform.access_point_id
}

output "repository_urls" {
  description = "Where images are pushed and pulled, by service."
  value       = module.platform.repository_urls
}

output "secret_arns" {
  description = "The entries of the secret store, by name."
  value       = module.platform.secret_arns
}

output "log_group_names" {
  description = "The log groups, by whose logs they hold."
  value       = module.platform.log_group_names
}

output "alarm_topic_arn" {
  description = "The topic that alarms are published to."
  value       = module.platform.alarm_topic_arn
}

output "kms_key_arns" {
  description = "The keys, by what they encrypt."
  value       = module.platform.kms_key_arns
}

output "budget_name" {
  description = "The budget."
  value       = module.platform.budget_name
}
