# Without an account and without a network: the provider's answers are made up, its checks of arguments are real.

mock_provider "aws" {}

variables {
  limit_usd       = 100
  alarm_topic_arn = "arn:aws:sns:ap-northeast-2:123456789012:seatrial-alarms"
}

run "limits_a_month" {
  command = plan

  assert {
    condition     = aws_budgets_budget.this.limit_amount == "100.0" && aws_budgets_budget.this.limit_unit == "USD" && aws_budgets_budget.this.time_unit == "MONTHLY"
    error_message = "The limit must be for a month, in dollars."
  }
}

run "counts_what_is_the_platforms" {
  command = plan

  assert {
    condition     = one(aws_budgets_budget.this.cost_filter).values == tolist(["user:Project$seatrial"])
    error_message = "Only what carries the platform's tag must count."
  }
}

run "warns_of_what_is_forecast_and_of_what_was_spent" {
  command = plan

  assert {
    condition     = length([for warning in aws_budgets_budget.this.notification : warning if warning.notification_type == "FORECASTED"]) == 1
    error_message = "A forecast above the limit must be told."
  }
  assert {
    condition     = toset([for warning in aws_budgets_budget.this.notification : warning.threshold if warning.notification_type == "ACTUAL"]) == toset([50, 80, 100])
    error_message = "Warnings must come at 50, 80 and 100 %."
  }
}

run "refuses_a_budget_of_nothing" {
  command = plan
  variables {
    limit_usd = 0
  }
  expect_failures = [var.limit_usd]
}

run "refuses_more_warnings_than_a_budget_has" {
  command = plan
  variables {
    warn_at_percent = [10, 20, 30, 40, 50]
  }
  expect_failures = [var.warn_at_percent]
}

run "refuses_something_that_is_no_address" {
  command = plan
  variables {
    emails = ["team"]
  }
  expect_failures = [var.emails]
}
