# The platform for service: each part in two zones, each zone with a way out of its own, and nothing deleted by accident.

terraform {
  # Bucket and region: tofu init -backend-config=backend.hcl
  backend "s3" {
    key          = "seatrial/production/tofu.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.allowed_account_ids

  default_tags {
    tags = {
      Project     = "seatrial"
      Environment = "production"
      ManagedBy   = "opentofu"
    }
  }
}

module "platform" {
  source = "../../modules/platform"

  name                = var.name
  zones               = var.zones
  cidr                = var.cidr
  kubernetes_version  = var.kubernetes_version
  api_access_cidrs    = var.api_access_cidrs
  passwords_secret    = var.passwords_secret
  rotation_lambda_arn = var.rotation_lambda_arn
  alarm_emails        = var.alarm_emails
  monthly_limit_usd   = var.monthly_limit_usd

  database = {
    instance_class        = "db.m6i.large"
    storage_gib           = 100
    storage_limit_gib     = 500
    backup_retention_days = 35
  }

  cache = {
    node_type               = "cache.m6g.large"
    snapshot_retention_days = 14
  }
}
