# What each service account may do in the cloud, and nothing else may.

locals {
  read_secret = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]

  decrypt_secrets = {
    name         = "DecryptSecrets"
    actions      = ["kms:Decrypt"]
    resources    = [module.secrets.key_arn]
    only_through = "secretsmanager"
  }

  service_accounts = {
    catalog = {
      namespace = var.namespace
      name      = "catalog"
      grants = [
        {
          name         = "ReadItsSecret"
          actions      = local.read_secret
          resources    = [module.secrets.arns["catalog/database"]]
          only_through = null
        },
        local.decrypt_secrets,
      ]
    }

    orders = {
      namespace = var.namespace
      name      = "orders"
      grants = [
        {
          name         = "ReadItsSecret"
          actions      = local.read_secret
          resources    = [module.secrets.arns["orders/database"]]
          only_through = null
        },
        local.decrypt_secrets,
      ]
    }

    gateway = {
      namespace = var.namespace
      name      = "gateway"
      grants = [
        {
          name         = "FindItsUploads"
          actions      = ["s3:ListBucket"]
          resources    = [module.storage.bucket_arns["uploads"]]
          only_through = null
        },
        {
          name         = "HandleItsUploads"
          actions      = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
          resources    = ["${module.storage.bucket_arns["uploads"]}/*"]
          only_through = null
        },
        {
          name         = "EncryptUploads"
          actions      = ["kms:Decrypt", "kms:GenerateDataKey"]
          resources    = [module.storage.key_arn]
          only_through = "s3"
        },
      ]
    }

    external-secrets = {
      namespace = "external-secrets"
      name      = "external-secrets"
      grants = [
        {
          name         = "ReadTheEntries"
          actions      = local.read_secret
          resources    = values(module.secrets.arns)
          only_through = null
        },
        local.decrypt_secrets,
      ]
    }

    log-shipper = {
      namespace = var.log_shipper.namespace
      name      = var.log_shipper.name
      grants = [
        {
          name         = "PutLogsIntoItsGroups"
          actions      = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
          resources    = [for arn in values(module.observability.log_group_arns) : "${arn}:*"]
          only_through = null
        },
      ]
    }
  }
}
