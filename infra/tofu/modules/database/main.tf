# PostgreSQL in the database subnets: two zones, encrypted, backed up, and reached by the nodes alone.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  identifier = "${var.name}-database"
  major      = split(".", var.engine_version)[0]
}

resource "aws_kms_key" "this" {
  description             = "Encrypts the database ${local.identifier}, its backups and its performance data"
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

# ---- Who reaches it

resource "aws_db_subnet_group" "this" {
  name        = local.identifier
  description = "The database subnets"
  subnet_ids  = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = local.identifier
  description = "The database: called by the nodes, calls nobody"
  vpc_id      = var.vpc_id

  tags = { Name = local.identifier }
}

resource "aws_security_group_rule" "from_clients" {
  for_each = var.client_security_group_ids

  description              = "The ${each.key} call the database"
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

  description              = "The ${each.key} call the database"
  type                     = "egress"
  security_group_id        = each.value
  source_security_group_id = aws_security_group.this.id
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
}

# ---- What it logs and measures

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["postgresql", "upgrade"])

  name              = "/aws/rds/instance/${local.identifier}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn
}

resource "aws_iam_role" "monitoring" {
  name = "${local.identifier}-monitoring"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# ---- The database

resource "aws_db_parameter_group" "this" {
  name        = "${local.identifier}-postgres${local.major}"
  family      = "postgres${local.major}"
  description = "TLS only; changes of the schema and slow statements are logged"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  lifecycle {
    create_before_destroy = true # a database cannot lose the group that it uses
  }
}

resource "aws_db_instance" "this" {
  identifier     = local.identifier
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  port           = var.port

  username                            = var.username
  password                            = var.password
  iam_database_authentication_enabled = true

  allocated_storage     = var.storage_gib
  max_allocated_storage = var.storage_limit_gib
  storage_type          = var.storage_type
  storage_encrypted     = true
  kms_key_id            = aws_kms_key.this.arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name

  backup_retention_period   = var.backup_retention_days
  backup_window             = "17:00-17:30"         # 02:00 in Seoul
  maintenance_window        = "sun:18:00-sun:19:00" # 03:00 on Monday in Seoul
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !var.deletion_protection
  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = var.deletion_protection ? "${local.identifier}-final" : null

  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately

  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = aws_kms_key.this.arn
  performance_insights_retention_period = 7

  lifecycle {
    ignore_changes = [password] # rotated in Secrets Manager; an old value must not come back from here
  }

  depends_on = [
    aws_cloudwatch_log_group.this,
    aws_iam_role_policy_attachment.monitoring,
  ]
}
