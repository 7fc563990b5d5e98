# The platform as production has it, on an emulator of AWS: nothing leaves the machine, nothing costs anything.

terraform {
  backend "local" {} # tofu init -backend-config=path=FILE
}

provider "aws" {
  region     = var.region
  access_key = "test"
  secret_key = "test"

  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  s3_use_path_style           = true
  max_retries                 = 3 # an emulator that is gone does not come back by itself

  endpoints {
    budgets        = var.emulator_url
    cloudwatch     = var.emulator_url
    cloudwatchlogs = var.emulator_url
    ec2            = var.emulator_url
    ecr            = var.emulator_url
    efs            = var.emulator_url
    eks            = var.emulator_url
    elasticache    = var.emulator_url
    iam            = var.emulator_url
    kms            = var.emulator_url
    rds            = var.emulator_url
    s3             = var.emulator_url
    secretsmanager = var.emulator_url
    sns            = var.emulator_url
    sts            = var.emulator_url
  }

  default_tags {
    tags = {
      Project     = "seatrial"
      Environment = "emulated"
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
  addons             = var.addons
  passwords          = var.passwords
  disposable         = true
  monthly_limit_usd  = 1000
}
