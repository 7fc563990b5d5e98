# The platform as small and cheap as it still is the platform, for learning; one destroy leaves nothing.

terraform {
  # Bucket and region: tofu init -backend-config=backend.hcl
  backend "s3" {
    key          = "seatrial/learner/tofu.tfstate"
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
      Environment = "learner"
      ManagedBy   = "opentofu"
    }
  }
}

module "platform" {
  source = "../../modules/platform"

  name               = var.name
  zones              = var.zones
  cidr               = var.cidr
  kubernetes_version = var.kubernetes_version
  api_access_cidrs   = var.api_access_cidrs
  passwords_secret   = var.passwords_secret
  alarm_emails       = var.alarm_emails
  monthly_limit_usd  = var.monthly_limit_usd
  disposable         = true
  log_retention_days = 7
  single_nat_gateway = true

  node_groups = {
    system = {
      instance_type = "t3.medium"
      minimum       = 1
      desired       = 1
      maximum       = 2
      disk_gib      = 30
      labels        = { "seatrial.dev/role" = "system" }
      taints        = [{ key = "CriticalAddonsOnly", value = "true", effect = "NO_SCHEDULE" }]
    }
    application = {
      instance_type = "t3.large"
      minimum       = 1
      desired       = 2
      maximum       = 3
      disk_gib      = 30
      spot          = true
      labels        = { "seatrial.dev/role" = "application" }
    }
  }

  database = {
    instance_class        = "db.t3.micro"
    multi_az              = false
    storage_limit_gib     = 30
    backup_retention_days = 1
  }

  cache = {
    node_type               = "cache.t3.micro"
    snapshot_retention_days = 1
  }
}
