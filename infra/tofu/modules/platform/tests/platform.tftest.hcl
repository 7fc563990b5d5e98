# Without an account and without a network: the provider's answers are made up, its checks of arguments are real.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-2" }
  }
  mock_data "aws_secretsmanager_secret_version" {
    defaults = {
      secret_string = "{\"database\": \"a-password-of-the-tests\", \"cache\": \"a-password-of-the-tests\", \"catalog\": \"a-password-of-the-tests\", \"orders\": \"a-password-of-the-tests\"}"
    }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/some" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:some" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
  }
  mock_resource "aws_eks_cluster" {
    defaults = {
      identity = [{
        oidc = [{ issuer = "https://oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF" }]
      }]
      certificate_authority = [{ data = "LS0tLS1CRUdJTg==" }]
    }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::some-bucket" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:some-abcdef" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-northeast-2:123456789012:seatrial-alarms" }
  }
}

variables {
  monthly_limit_usd = 1000
  passwords = {
    database = "a-password-of-the-tests"
    cache    = "a-password-of-the-tests"
    catalog  = "a-password-of-the-tests"
    orders   = "a-password-of-the-tests"
  }
}

run "gives_roles_to_five_service_accounts" {
  command = plan

  assert {
    condition = keys(output.service_account_role_arns) == [
      "external-secrets/external-secrets",
      "logging/log-shipper",
      "shop/catalog",
      "shop/gateway",
      "shop/orders",
    ]
    error_message = "Exactly these service accounts may do something in the cloud."
  }
}

run "has_an_entry_for_each_who_signs_in" {
  command = plan

  assert {
    condition     = keys(output.secret_arns) == ["cache", "catalog/database", "database/administrator", "orders/database"]
    error_message = "Administrator, cache, catalogue and order service must have an entry."
  }
}

run "says_what_was_made" {
  command = plan

  assert {
    condition     = alltrue([for tier in ["public", "private", "database"] : length(output.subnet_ids[tier]) == 2])
    error_message = "Each tier must have a subnet in both zones."
  }
  assert {
    condition     = keys(output.security_group_ids) == ["cache", "control_plane", "database", "nodes", "shared_files"]
    error_message = "The five security groups must be told."
  }
  assert {
    condition     = keys(output.repository_urls) == ["catalog", "gateway", "orders", "storefront"]
    error_message = "Each of the four services must have a repository."
  }
  assert {
    condition     = output.node_group_names == tolist(["application", "system"])
    error_message = "There must be two node groups."
  }
  assert {
    condition     = output.bucket_names["uploads"] == "seatrial-123456789012-uploads"
    error_message = "The bucket of the uploads must be told."
  }
  assert {
    condition     = length(output.kms_key_arns) == 8
    error_message = "Each kind of data must have a key of its own."
  }
}

run "takes_the_passwords_from_a_secret" {
  command = plan
  variables {
    passwords        = null
    passwords_secret = "seatrial-first-passwords"
  }

  assert {
    condition     = output.database_identifier == "seatrial-database"
    error_message = "The database must be planned with the password of the secret."
  }
}

run "refuses_passwords_from_nowhere" {
  command = plan
  variables {
    passwords = null
  }
  expect_failures = [var.passwords]
}

run "refuses_passwords_from_two_places" {
  command = plan
  variables {
    passwords_secret = "seatrial-first-passwords"
  }
  expect_failures = [var.passwords]
}

run "refuses_a_short_password" {
  command = plan
  variables {
    passwords = {
      database = "short"
      cache    = "a-password-of-the-tests"
      catalog  = "a-password-of-the-tests"
      orders   = "a-password-of-the-tests"
    }
  }
  expect_failures = [var.passwords]
}
