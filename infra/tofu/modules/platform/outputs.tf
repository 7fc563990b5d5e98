output "vpc_id" {
  description = "The network."
  value       = module.network.vpc_id
}

output "subnet_ids" {
  description = "The subnets: public, private and database, each in the order of the zones."
  value       = module.network.subnet_ids
}

output "security_group_ids" {
  description = "The security groups, by what is in them."
  value = {
    control_plane = module.cluster.security_group_ids.control_plane
    nodes         = module.cluster.security_group_ids.nodes
    database      = module.database.security_group_id
    cache         = module.cache.security_group_id
    shared_files  = module.storage.security_group_id
  }
}

output "cluster_name" {
  description = "The cluster."
  value       = module.cluster.name
}

output "cluster_endpoint" {
  description = "Where the cluster's API is."
  value       = module.cluster.endpoint
}

output "node_group_names" {
  description = "The node groups."
  value       = module.cluster.node_group_names
}

output "oidc_provider_arn" {
  description = "The identity provider that vouches for the cluster's service accounts."
  value       = module.cluster.oidc_provider_arn
}

output "service_account_role_arns" {
  description = "The roles of the service accounts, as namespace/name."
  value       = module.cluster.service_account_role_arns
}

output "database_identifier" {
  description = "The database."
  value       = module.database.identifier
}

output "database_address" {
  description = "The database's host name."
  value       = module.database.address
}

output "cache_replication_group_id" {
  description = "The cache."
  value       = module.cache.replication_group_id
}

output "cache_address" {
  description = "The cache's host name."
  value       = module.cache.address
}

output "bucket_names" {
  description = "The buckets, by what they are for."
  value       = module.storage.bucket_names
}

output "file_system_id" {
  description = "The shared file system."
  value       = module.storage.file_system_id
}

output "access_point_id" {
  description = "How the services mount the shared file system."
  value       = module.storage.access_point_id
}

output "repository_urls" {
  description = "Where images are pushed and pulled, by service."
  value       = module.registry.repository_urls
}

output "secret_arns" {
  description = "The entries of the secret store, by name."
  value       = module.secrets.arns
}

output "log_group_names" {
  description = "The log groups, by whose logs they hold."
  value = merge(module.observability.log_group_names, {
    control-plane = module.cluster.log_group_name
    flows         = module.network.flow_log_group_name
  })
}

output "alarm_topic_arn" {
  description = "The topic that alarms are published to."
  value       = module.observability.alarm_topic_arn
}

output "kms_key_arns" {
  description = "The keys, by what they encrypt."
  value = {
    cluster  = module.cluster.secrets_key_arn
    database = module.database.key_arn
    cache    = module.cache.key_arn
    storage  = module.storage.key_arn
    registry = module.registry.key_arn
    secrets  = module.secrets.key_arn
    logs     = module.observability.log_key_arn
    alarms   = module.observability.alarm_key_arn
  }
}

output "budget_name" {
  description = "The budget."
  value       = module.budget.name
}
