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
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:some-abcdef" }
  }
}

variables {
  entries = {
    "catalog/database" = { description = "How the catalogue signs in" }
    "orders/database" = {
      description         = "How the order service signs in"
      rotation_lambda_arn = "arn:aws:lambda:ap-northeast-2:123456789012:function:rotate"
    }
  }
  first_values = {
    "catalog/database" = { username = "catalog", password = "a-password-of-the-tests" }
  }
}

run "encrypts_entries_with_a_key_that_rotates" {
  command = plan

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.kms_key_id == aws_kms_key.this.arn]) && aws_kms_key.this.enable_key_rotation
    error_message = "Entries must be encrypted with the module's own key."
  }
  assert {
    condition     = aws_secretsmanager_secret.this["catalog/database"].name == "seatrial/catalog/database"
    error_message = "An entry's name must begin with the platform's."
  }
}

run "fills_those_that_were_given_a_value" {
  command = plan

  assert {
    condition     = keys(aws_secretsmanager_secret_version.this) == ["catalog/database"]
    error_message = "Only entries with a first value must be filled."
  }
  assert {
    condition     = jsondecode(nonsensitive(aws_secretsmanager_secret_version.this["catalog/database"].secret_string)).username == "catalog"
    error_message = "A value must be written as JSON."
  }
}

run "rotates_those_that_something_can_rotate" {
  command = plan

  assert {
    condition     = keys(aws_secretsmanager_secret_rotation.this) == ["orders/database"] && aws_secretsmanager_secret_rotation.this["orders/database"].rotation_rules[0].automatically_after_days == 30
    error_message = "An entry with a Lambda function must be rotated every 30 days."
  }
}

run "lets_deleted_entries_be_had_back" {
  command = plan

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 30])
    error_message = "Deleted entries must be kept for 30 days unless said otherwise."
  }
}

run "refuses_something_that_is_no_lambda" {
  command = plan
  variables {
    entries = {
      "catalog/database" = { description = "How the catalogue signs in", rotation_lambda_arn = "rotate" }
    }
  }
  expect_failures = [var.entries]
}

run "refuses_a_value_for_an_entry_that_does_not_exist" {
  command = plan
  variables {
    first_values = { "catalogue/database" = { username = "catalog" } }
  }
  expect_failures = [var.first_values]
}

run "refuses_a_recovery_that_aws_does_not_know" {
  command = plan
  variables {
    recovery_days = 3
  }
  expect_failures = [var.recovery_days]
}

run "refuses_rotation_once_a_year" {
  command = plan
  variables {
    rotation_days = 365
  }
  expect_failures = [var.rotation_days]
}
