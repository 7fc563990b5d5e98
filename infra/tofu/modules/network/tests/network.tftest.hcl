# Without an account and without a network: the provider's answers are made up, its checks of arguments are real.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-2" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/flows" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-northeast-2:123456789012:log-group:flows" }
  }
}

run "spans_two_zones" {
  command = plan

  assert {
    condition     = length(distinct([for subnet in aws_subnet.public : subnet.availability_zone])) == 2
    error_message = "The public subnets must lie in two zones."
  }
  assert {
    condition     = length(distinct([for subnet in aws_subnet.private : subnet.availability_zone])) == 2
    error_message = "The private subnets must lie in two zones."
  }
  assert {
    condition     = length(distinct([for subnet in aws_subnet.database : subnet.availability_zone])) == 2
    error_message = "The database subnets must lie in two zones."
  }
  assert {
    condition     = aws_subnet.private["c"].availability_zone == "ap-northeast-2c"
    error_message = "A zone is the region's name and the letter."
  }
}

run "no_addresses_are_given_twice" {
  command = plan

  assert {
    condition = length(distinct(concat(
      [for subnet in aws_subnet.public : subnet.cidr_block],
      [for subnet in aws_subnet.private : subnet.cidr_block],
      [for subnet in aws_subnet.database : subnet.cidr_block],
    ))) == 6
    error_message = "Each subnet must have a range of its own."
  }
}

run "names_the_tier_of_each_subnet" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : subnet.tags["Tier"] == "public" && subnet.tags["kubernetes.io/role/elb"] == "1"])
    error_message = "Public subnets must be tagged for load balancers that face the Internet."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.private : subnet.tags["Tier"] == "private" && subnet.tags["kubernetes.io/role/internal-elb"] == "1"])
    error_message = "Private subnets must be tagged for internal load balancers."
  }
  assert {
    condition     = alltrue([for subnet in aws_subnet.database : subnet.tags["Tier"] == "database"])
    error_message = "Database subnets must be tagged."
  }
}

run "has_a_nat_gateway_in_each_zone" {
  command = plan

  assert {
    condition     = length(aws_nat_gateway.this) == 2
    error_message = "Each zone must have its own way out."
  }
}

run "has_a_single_nat_gateway_when_asked" {
  command = plan
  variables {
    single_nat_gateway = true
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["a"] && length(aws_route.private_internet) == 2
    error_message = "Both private subnets must leave through the one gateway, in the first zone."
  }
}

run "gives_nothing_a_public_address_by_itself" {
  command = plan

  assert {
    condition     = alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "Public subnets must not hand out public addresses."
  }
}

run "lets_only_the_databases_ports_into_the_database_subnets" {
  command = plan

  assert {
    condition     = alltrue([for rule in aws_network_acl.database.ingress : rule.cidr_block != "0.0.0.0/0" && rule.protocol == "tcp"])
    error_message = "The database subnets must be closed to the Internet."
  }
  assert {
    condition = alltrue([
      for rule in aws_network_acl.database.ingress : contains([5432, 6379], rule.from_port)
      if contains([for subnet in aws_subnet.private : subnet.cidr_block], rule.cidr_block)
    ])
    error_message = "Nodes may call the databases' ports and no other."
  }
  assert {
    condition     = alltrue([for rule in aws_network_acl.database.egress : rule.cidr_block != "0.0.0.0/0"])
    error_message = "The databases must not speak to the Internet."
  }
}

run "closes_the_default_security_group" {
  command = plan

  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default group must let nothing through."
  }
}

run "logs_all_flows" {
  command = plan

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL"
    error_message = "Accepted and rejected traffic must be logged."
  }
  assert {
    condition     = aws_cloudwatch_log_group.flows.retention_in_days == 365
    error_message = "Flow logs must be kept for a year unless said otherwise."
  }
}

run "takes_the_smallest_network_and_four_zones" {
  command = plan
  variables {
    cidr  = "192.168.16.0/20"
    zones = ["a", "b", "c", "d"]
  }

  assert {
    condition     = aws_subnet.database["d"].cidr_block == "192.168.27.0/24"
    error_message = "Four zones must fit into a /20."
  }
}

run "refuses_a_network_too_small_for_the_subnets" {
  command = plan
  variables {
    cidr = "10.0.0.0/24"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_public_network" {
  command = plan
  variables {
    cidr = "8.8.0.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_network_with_host_bits" {
  command = plan
  variables {
    cidr = "10.0.5.0/16"
  }
  expect_failures = [var.cidr]
}

run "refuses_a_single_zone" {
  command = plan
  variables {
    zones = ["a"]
  }
  expect_failures = [var.zones]
}

run "refuses_one_zone_named_twice" {
  command = plan
  variables {
    zones = ["a", "a"]
  }
  expect_failures = [var.zones]
}

run "refuses_zones_that_are_no_letters" {
  command = plan
  variables {
    zones = ["ap-northeast-2a", "ap-northeast-2c"]
  }
  expect_failures = [var.zones]
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan
  variables {
    flow_log_retention_days = 42
  }
  expect_failures = [var.flow_log_retention_days]
}

run "refuses_a_name_with_capitals" {
  command = plan
  variables {
    name = "Seatrial"
  }
  expect_failures = [var.name]
}
