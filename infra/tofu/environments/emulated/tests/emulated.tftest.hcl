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
  emulator_url = "http://127.0.0.1:5000"
  passwords = {
    database = "a-password-of-the-tests"
    cache    = "a-password-of-the-tests"
    catalog  = "a-password-of-the-tests"
    orders   = "a-password-of-the-tests"
  }
}

run "has_all_that_others_ask_for" {
  command = plan

  assert {
    condition     = keys(output.security_group_ids) == ["cache", "control_plane", "database", "nodes", "shared_files"]
    error_message = "The five security groups must be told."
  }
  assert {
    condition     = output.cluster_name == "seatrial" && output.database_identifier == "seatrial-database"
    error_message = "Cluster and database must be told."
  }
}

run "refuses_an_unsupported_region" {
  command = plan
  variables {
    region = "mars-north-1"
  }
  expect_failures = [var.region]
}

run "refuses_an_emulator_elsewhere_than_said" {
  command = plan
  variables {
    emulator_url = "https://ec2.amazonaws.com/"
  }
  expect_failures = [var.emulator_url]
}
