# Without an account and without a network: the provider's answers are made up, its checks of arguments are real.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::some-bucket" }
  }
}

variables {
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids_by_zone        = { a = "subnet-0123456789abcdef0", c = "subnet-0123456789abcdef1" }
  client_security_group_ids = { nodes = "sg-0123456789abcdef0" }
}

run "keeps_versions" {
  command = plan

  assert {
    condition     = aws_s3_bucket_versioning.this["uploads"].versioning_configuration[0].status == "Enabled"
    error_message = "Overwritten objects must be kept."
  }
}

run "encrypts_objects_with_a_key_that_rotates" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.this["uploads"].rule :
      rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == aws_kms_key.this.arn
    ])
    error_message = "Objects must be encrypted with the module's own key."
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }
}

run "makes_nothing_public" {
  command = plan

  assert {
    condition = alltrue([
      for block in concat(values(aws_s3_bucket_public_access_block.this), [aws_s3_bucket_public_access_block.access_logs]) :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "All four refusals of public access must be on, for each bucket."
  }
}

run "refuses_requests_without_tls" {
  command = plan

  assert {
    condition = alltrue([
      for policy in concat(values(aws_s3_bucket_policy.this), [aws_s3_bucket_policy.access_logs]) :
      jsondecode(policy.policy).Statement[0].Effect == "Deny" && jsondecode(policy.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    ])
    error_message = "Each bucket must refuse requests without TLS."
  }
}

run "throws_unfinished_uploads_away" {
  command = plan

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this["uploads"].rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 3
    error_message = "Unfinished uploads must go after three days unless said otherwise."
  }
}

run "logs_who_read_and_wrote" {
  command = plan

  assert {
    condition     = aws_s3_bucket_logging.this["uploads"].target_prefix == "uploads/"
    error_message = "Access to the uploads must be logged."
  }
}

run "shares_files_in_each_zone" {
  command = plan

  assert {
    condition     = keys(aws_efs_mount_target.this) == ["a", "c"]
    error_message = "Each zone must have a mount target."
  }
  assert {
    condition     = aws_efs_file_system.this.encrypted && aws_efs_file_system.this.kms_key_id == aws_kms_key.this.arn
    error_message = "Shared files must be encrypted with the module's own key."
  }
  assert {
    condition     = aws_efs_access_point.this.posix_user[0].uid == 10001 && aws_efs_access_point.this.root_directory[0].path == "/shared"
    error_message = "Whoever mounts must be the services' user, in one directory."
  }
}

run "backs_shared_files_up" {
  command = plan

  assert {
    condition     = aws_efs_backup_policy.this[0].backup_policy[0].status == "ENABLED"
    error_message = "Shared files must be backed up unless said otherwise."
  }
}

run "lets_only_clients_mount" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_security_group_rule.files_from_clients :
      rule.source_security_group_id == "sg-0123456789abcdef0" && rule.from_port == 2049 && rule.to_port == 2049 && rule.cidr_blocks == null
    ])
    error_message = "Only the clients' security group may mount."
  }
}

run "makes_a_bucket_for_each_purpose" {
  command = plan
  variables {
    buckets = ["uploads", "reports"]
  }

  assert {
    condition     = output.bucket_names["reports"] == "seatrial-123456789012-reports"
    error_message = "A bucket's name must be unique in the world and say what it is for."
  }
}

run "refuses_a_bucket_with_capitals" {
  command = plan
  variables {
    buckets = ["Uploads"]
  }
  expect_failures = [var.buckets]
}

run "refuses_one_zone_for_shared_files" {
  command = plan
  variables {
    subnet_ids_by_zone = { a = "subnet-0123456789abcdef0" }
  }
  expect_failures = [var.subnet_ids_by_zone]
}

run "refuses_to_keep_unfinished_uploads_for_ever" {
  command = plan
  variables {
    abort_uploads_days = 0
  }
  expect_failures = [var.abort_uploads_days]
}

run "refuses_files_of_root" {
  command = plan
  variables {
    file_owner_id = 0
  }
  expect_failures = [var.file_owner_id]
}
