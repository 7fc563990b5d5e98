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
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some" }
  }
}

variables {
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { nodes = "sg-0123456789abcdef0" }
  password                  = "a-password-of-the-tests"
}

run "survives_the_loss_of_a_zone" {
  command = plan

  assert {
    condition     = aws_db_instance.this.multi_az && length(aws_db_subnet_group.this.subnet_ids) == 2
    error_message = "The database must have a standby in a second zone."
  }
}

run "is_postgresql_15" {
  command = plan

  assert {
    condition     = aws_db_instance.this.engine == "postgres" && aws_db_instance.this.engine_version == "15" && aws_db_parameter_group.this.family == "postgres15"
    error_message = "The database must be PostgreSQL 15 unless said otherwise."
  }
}

run "is_encrypted_with_a_key_that_rotates" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == aws_kms_key.this.arn && aws_kms_key.this.enable_key_rotation
    error_message = "The storage must be encrypted with the database's own key."
  }
  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "Connections without TLS must be refused."
  }
}

run "is_called_by_its_clients_alone" {
  command = plan

  assert {
    condition     = !aws_db_instance.this.publicly_accessible
    error_message = "The database must have no public address."
  }
  assert {
    condition = alltrue([
      for rule in aws_security_group_rule.from_clients :
      rule.source_security_group_id == "sg-0123456789abcdef0" && rule.from_port == 5432 && rule.to_port == 5432 && rule.protocol == "tcp" && rule.cidr_blocks == null
    ])
    error_message = "Only the clients' security group may call, at 5432."
  }
}

run "is_backed_up_and_protected" {
  command = plan

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 14 && aws_db_instance.this.copy_tags_to_snapshot
    error_message = "Backups must be kept for 14 days unless said otherwise."
  }
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && !aws_db_instance.this.delete_automated_backups
    error_message = "The database must not vanish without a trace."
  }
}

run "can_be_removed_where_that_is_wanted" {
  command = plan
  variables {
    deletion_protection = false
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot
    error_message = "Without protection, the database must go in one step."
  }
}

run "logs_and_measures" {
  command = plan

  assert {
    condition     = aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"]) && aws_db_instance.this.monitoring_interval == 60 && aws_db_instance.this.performance_insights_enabled
    error_message = "Logs, measurements of the machine and of statements must be on."
  }
}

run "refuses_an_unknown_engine_version" {
  command = plan
  variables {
    engine_version = "9.6"
  }
  expect_failures = [var.engine_version]
}

run "refuses_a_short_password" {
  command = plan
  variables {
    password = "short"
  }
  expect_failures = [var.password]
}

run "refuses_a_password_with_a_character_that_rds_refuses" {
  command = plan
  variables {
    password = "a-password@of-the-tests"
  }
  expect_failures = [var.password]
}

run "refuses_no_backups" {
  command = plan
  variables {
    backup_retention_days = 0
  }
  expect_failures = [var.backup_retention_days]
}

run "refuses_a_single_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_to_be_called_by_nobody" {
  command = plan
  variables {
    client_security_group_ids = {}
  }
  expect_failures = [var.client_security_group_ids]
}

run "refuses_an_unknown_kind_of_storage" {
  command = plan
  variables {
    storage_type = "standard"
  }
  expect_failures = [var.storage_type]
}

run "refuses_storage_that_cannot_grow" {
  command = plan
  variables {
    storage_gib       = 100
    storage_limit_gib = 100
  }
  expect_failures = [var.storage_limit_gib]
}

run "refuses_a_reserved_user_name" {
  command = plan
  variables {
    username = "postgres"
  }
  expect_failures = [var.username]
}
