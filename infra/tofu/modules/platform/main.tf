# The whole platform. Environments differ in what they pass in here and in nothing else.

data "aws_secretsmanager_secret_version" "passwords" {
  count = var.passwords_secret == null ? 0 : 1

  secret_id = var.passwords_secret
}

locals {
  passwords = var.passwords != null ? var.passwords : jsondecode(data.aws_secretsmanager_secret_version.passwords[0].secret_string)

  key_deletion_days = var.disposable ? 7 : 30

  # Node groups carry everything; which pods call what is for network policies to say.
  clients = { nodes = module.cluster.security_group_ids.nodes }
}

module "network" {
  source = "../network"

  name                    = var.name
  cluster_name            = var.name
  cidr                    = var.cidr
  zones                   = var.zones
  single_nat_gateway      = var.single_nat_gateway
  flow_log_retention_days = var.log_retention_days
  log_key_arn             = module.observability.log_key_arn
}

module "cluster" {
  source = "../cluster"

  name               = var.name
  kubernetes_version = var.kubernetes_version
  vpc_id             = module.network.vpc_id
  subnet_ids         = module.network.subnet_ids.private
  api_access_cidrs   = var.api_access_cidrs
  node_groups        = var.node_groups
  addons             = var.addons
  service_accounts   = local.service_accounts
  log_retention_days = var.log_retention_days
  log_key_arn        = module.observability.log_key_arn
  key_deletion_days  = local.key_deletion_days
}

module "database" {
  source = "../database"

  name                      = var.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.subnet_ids.database
  client_security_group_ids = local.clients
  engine_version            = var.database.engine_version
  instance_class            = var.database.instance_class
  multi_az                  = var.database.multi_az
  storage_type              = var.database.storage_type
  storage_gib               = var.database.storage_gib
  storage_limit_gib         = var.database.storage_limit_gib
  backup_retention_days     = var.database.backup_retention_days
  password                  = local.passwords.database
  deletion_protection       = !var.disposable
  apply_immediately         = var.disposable
  log_retention_days        = var.log_retention_days
  log_key_arn               = module.observability.log_key_arn
  key_deletion_days         = local.key_deletion_days
}

module "cache" {
  source = "../cache"

  name                      = var.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.subnet_ids.database
  client_security_group_ids = local.clients
  node_type                 = var.cache.node_type
  nodes                     = var.cache.nodes
  snapshot_retention_days   = var.cache.snapshot_retention_days
  auth_token                = local.passwords.cache
  apply_immediately         = var.disposable
  key_deletion_days         = local.key_deletion_days
}

module "storage" {
  source = "../storage"

  name                      = var.name
  vpc_id                    = module.network.vpc_id
  subnet_ids_by_zone        = module.network.private_subnet_ids_by_zone
  client_security_group_ids = local.clients
  force_destroy             = var.disposable
  backup_files              = !var.disposable
  access_log_days           = var.log_retention_days
  key_deletion_days         = local.key_deletion_days
}

module "registry" {
  source = "../registry"

  name              = var.name
  key_deletion_days = local.key_deletion_days
}

module "secrets" {
  source = "../secrets"

  name = var.name
  entries = {
    "database/administrator" = { description = "Who may do everything in the database", rotation_lambda_arn = var.rotation_lambda_arn }
    "catalog/database"       = { description = "How the catalogue signs in to its database", rotation_lambda_arn = var.rotation_lambda_arn }
    "orders/database"        = { description = "How the order service signs in to its database", rotation_lambda_arn = var.rotation_lambda_arn }
    "cache"                  = { description = "How the services reach the cache" }
  }
  first_values = {
    "database/administrator" = {
      engine   = "postgres"
      host     = module.database.address
      port     = tostring(module.database.port)
      username = module.database.username
      password = local.passwords.database
    }
    "catalog/database" = {
      engine   = "postgres"
      host     = module.database.address
      port     = tostring(module.database.port)
      database = "catalog"
      username = "catalog"
      password = local.passwords.catalog
    }
    "orders/database" = {
      engine   = "postgres"
      host     = module.database.address
      port     = tostring(module.database.port)
      database = "orders"
      username = "orders"
      password = local.passwords.orders
    }
    "cache" = {
      host  = module.cache.address
      port  = tostring(module.cache.port)
      token = local.passwords.cache
    }
  }
  recovery_days     = var.disposable ? 0 : 30
  key_deletion_days = local.key_deletion_days
}

module "observability" {
  source = "../observability"

  name                = var.name
  log_retention_days  = var.log_retention_days
  alarm_emails        = var.alarm_emails
  database_identifier = module.database.identifier
  cache_node_ids      = module.cache.member_ids
  nat_gateway_ids     = module.network.nat_gateway_ids
  key_deletion_days   = local.key_deletion_days
}

module "budget" {
  source = "../budget"

  name            = var.name
  project         = var.project
  limit_usd       = var.monthly_limit_usd
  alarm_topic_arn = module.observability.alarm_topic_arn
  emails          = var.alarm_emails
}
