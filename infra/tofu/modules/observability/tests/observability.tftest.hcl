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
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-northeast-2:123456789012:seatrial-alarms" }
  }
}

variables {
  database_identifier = "seatrial-database"
  cache_node_ids      = ["seatrial-cache-001", "seatrial-cache-002"]
  nat_gateway_ids     = { a = "nat-0123456789abcdef0" }
}

run "keeps_logs_encrypted_for_a_year" {
  command = plan

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 365 && group.kms_key_id == aws_kms_key.logs.arn])
    error_message = "Logs must be encrypted with the module's own key and kept for a year."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this["orders"].name == "/seatrial/orders"
    error_message = "A group's name must say whose logs it holds."
  }
}

run "lets_the_log_service_of_this_region_use_the_key" {
  command = plan

  assert {
    condition     = jsondecode(aws_kms_key.logs.policy).Statement[1].Principal.Service == "logs.ap-northeast-2.amazonaws.com" && aws_kms_key.logs.enable_key_rotation
    error_message = "CloudWatch Logs must be able to encrypt, with a key that rotates."
  }
}

run "rings_for_the_database_the_cache_the_gateway_and_errors" {
  command = plan

  assert {
    condition = length(setsubtract(
      ["database-cpu", "database-storage", "database-memory", "cache-memory-seatrial-cache-002", "nat-ports-a", "errors-orders"],
      keys(aws_cloudwatch_metric_alarm.this),
    )) == 0
    error_message = "An alarm is missing."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.alarm_actions == toset([aws_sns_topic.alarms.arn])])
    error_message = "Each alarm must be published."
  }
}

run "publishes_alarms_encrypted" {
  command = plan

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.alarms.arn
    error_message = "Alarms must be encrypted with the module's own key."
  }
}

run "counts_errors_in_logs" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_metric_filter.errors["orders"].metric_transformation[0].name == "errors-orders" && aws_cloudwatch_metric_alarm.this["errors-orders"].metric_name == "errors-orders"
    error_message = "The alarm must watch what the filter counts."
  }
}

run "tells_those_who_are_named" {
  command = plan
  variables {
    alarm_emails = ["team@example.org"]
  }

  assert {
    condition     = aws_sns_topic_subscription.email["team@example.org"].protocol == "email"
    error_message = "Who is named must be told by mail."
  }
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan
  variables {
    log_retention_days = 100
  }
  expect_failures = [var.log_retention_days]
}

run "refuses_something_that_is_no_address" {
  command = plan
  variables {
    alarm_emails = ["team"]
  }
  expect_failures = [var.alarm_emails]
}

run "refuses_a_group_that_cannot_be_named_so" {
  command = plan
  variables {
    log_groups = ["Orders"]
  }
  expect_failures = [var.log_groups]
}
