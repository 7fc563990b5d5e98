# Redis in the database subnets: two nodes in two zones, encrypted on the wire and on disk, and reached by the nodes alone.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  identifier = "${var.name}-cache"
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the cache ${local.identifier} and its snapshots"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountAdministers"
      Effect    = "Allow"
      Action    = "kms:*"
      Resource  = "*"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
    }]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.identifier}"
  target_key_id = aws_kms_key.this.key_id
}

resource "aws_elasticache_subnet_group" "this" {
  name        = local.identifier
  description = "The database subnets"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = local.identifier
  description = "The cache: called by the nodes, calls nobody"
  vpc_id      = var.vpc_id

  tags = { Name = local.identifier }
}

resource "aws_security_group_rule" "from_clients" {
  for_each = var.client_security_group_ids

  description              = "The ${each.key} call the cache"
  type                     = "ingress"
  security_group_id        = aws_security_group.this.id
  source_security_group_id = each.value
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
}

# The clients' own group lets little out, so their side of the way is opened here too.
resource "aws_security_group_rule" "clients_out" {
  for_each = var.client_security_group_ids

  description              = "The ${each.key} call the cache"
  type                     = "egress"
  security_group_id        = each.value
  source_security_group_id = aws_security_group.this.id
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
}

# The engine's version is not named: providers write it in ways that exclude each other. The parameter group fixes the
# generation, and AWS takes the newest of it.
resource "aws_elasticache_replication_group" "this" {
  replication_group_id = local.identifier
  description          = "Cache, sessions and messages of ${var.name}"

  engine               = "redis"
  parameter_group_name = "default.${var.engine_family}"
  node_type            = var.node_type
  port                 = var.port

  num_cache_clusters         = var.nodes
  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]

  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn
  transit_encryption_enabled = true
  auth_token                 = var.auth_token

  snapshot_retention_limit   = var.snapshot_retention_days
  snapshot_window            = "17:00-18:00"         # 02:00 in Seoul
  maintenance_window         = "sun:18:00-sun:19:00" # 03:00 on Monday in Seoul
  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately

  lifecycle {
    ignore_changes = [auth_token] # rotated in Secrets Manager; an old value must not come back from here
  }
}
