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

variables {
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { nodes = "sg-0123456789abcdef0" }
  auth_token                = "a-token-of-the-tests"
}

run "survives_the_loss_of_a_zone" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.num_cache_clusters == 2 && aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "Two nodes in two zones, of which one takes over, must be there."
  }
  assert {
    condition     = output.member_ids == ["seatrial-cache-001", "seatrial-cache-002"]
    error_message = "The nodes' names must be those that measurements use."
  }
}

run "is_encrypted_on_the_wire_and_on_disk" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && tobool(aws_elasticache_replication_group.this.at_rest_encryption_enabled) && aws_elasticache_replication_group.this.kms_key_id == aws_kms_key.this.arn
    error_message = "Both encryptions must be on, the one on disk with the cache's own key."
  }
  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }
  assert {
    condition     = nonsensitive(aws_elasticache_replication_group.this.auth_token) == "a-token-of-the-tests"
    error_message = "Clients must authenticate."
  }
}

run "is_redis_7" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.this.parameter_group_name == "default.redis7"
    error_message = "The cache must be Redis 7."
  }
}

run "is_called_by_its_clients_alone" {
  command = plan

  assert {
    condition = alltrue([
      for rule in aws_security_group_rule.from_clients :
      rule.source_security_group_id == "sg-0123456789abcdef0" && rule.from_port == 6379 && rule.to_port == 6379 && rule.cidr_blocks == null
    ])
    error_message = "Only the clients' security group may call, at 6379."
  }
}

run "refuses_a_single_node" {
  command = plan
  variables {
    nodes = 1
  }
  expect_failures = [var.nodes]
}

run "refuses_an_unknown_engine" {
  command = plan
  variables {
    engine_family = "memcached1.6"
  }
  expect_failures = [var.engine_family]
}

run "refuses_a_short_token" {
  command = plan
  variables {
    auth_token = "short"
  }
  expect_failures = [var.auth_token]
}

run "refuses_a_single_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_no_snapshots" {
  command = plan
  variables {
    snapshot_retention_days = 0
  }
  expect_failures = [var.snapshot_retention_days]
}
