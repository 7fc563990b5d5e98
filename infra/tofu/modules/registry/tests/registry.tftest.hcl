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
}

run "has_a_repository_for_each_service" {
  command = plan

  assert {
    condition     = keys(aws_ecr_repository.this) == ["catalog", "gateway", "orders", "storefront"] && aws_ecr_repository.this["orders"].name == "seatrial/orders"
    error_message = "Each of the four services must have a repository of its own."
  }
}

run "scans_each_image_that_comes" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_scanning_configuration[0].scan_on_push])
    error_message = "Images must be scanned on push."
  }
}

run "never_changes_what_a_tag_means" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE"])
    error_message = "Tags must be immutable."
  }
}

run "encrypts_images_with_a_key_that_rotates" {
  command = plan

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.encryption_configuration[0].kms_key == aws_kms_key.this.arn]) && aws_kms_key.this.enable_key_rotation
    error_message = "Images must be encrypted with the module's own key."
  }
}

run "lets_old_images_go" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this["orders"].policy).rules[1].selection.countNumber == 50
    error_message = "Fifty images must be kept unless said otherwise."
  }
}

run "refuses_a_name_that_no_repository_can_have" {
  command = plan
  variables {
    services = ["Orders"]
  }
  expect_failures = [var.services]
}

run "refuses_to_keep_one_image" {
  command = plan
  variables {
    kept_images = 1
  }
  expect_failures = [var.kept_images]
}

run "refuses_to_keep_leftovers_for_no_day" {
  command = plan
  variables {
    untagged_days = 0
  }
  expect_failures = [var.untagged_days]
}
