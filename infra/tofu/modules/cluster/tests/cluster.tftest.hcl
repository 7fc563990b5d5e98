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
}

variables {
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  service_accounts = {
    catalog = {
      namespace = "shop"
      name      = "catalog"
      grants = [
        {
          name      = "ReadItsSecret"
          actions   = ["secretsmanager:GetSecretValue"]
          resources = ["arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:seatrial/catalog-abcdef"]
        },
        {
          name         = "DecryptIt"
          actions      = ["kms:Decrypt"]
          resources    = ["arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"]
          only_through = "secretsmanager"
        },
      ]
    }
  }
}

run "runs_a_supported_version" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.version == "1.34"
    error_message = "The default version must be 1.34."
  }
}

run "is_called_from_inside_only" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The API must be private unless addresses are named."
  }
}

run "is_called_from_outside_by_those_named" {
  command = plan
  variables {
    api_access_cidrs = ["203.0.113.0/24"]
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["203.0.113.0/24"])
    error_message = "The API must be open to the addresses named and to no others."
  }
}

run "logs_all_of_the_control_plane" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.enabled_cluster_log_types == toset(["api", "audit", "authenticator", "controllerManager", "scheduler"])
    error_message = "All five kinds of logs must be on."
  }
  assert {
    condition     = aws_cloudwatch_log_group.control_plane.name == "/aws/eks/seatrial/cluster" && aws_cloudwatch_log_group.control_plane.retention_in_days == 365
    error_message = "The logs must be kept for a year, in the group that EKS writes to."
  }
}

run "encrypts_secrets_with_a_key_that_rotates" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && aws_kms_key.secrets.enable_key_rotation
    error_message = "Secrets must be encrypted with a key of their own that rotates."
  }
}

run "has_a_system_and_an_application_group" {
  command = plan

  assert {
    condition     = aws_eks_node_group.this["system"].instance_types == tolist(["t3.medium"]) && aws_eks_node_group.this["application"].instance_types == tolist(["t3.large"])
    error_message = "System nodes must be t3.medium, application nodes t3.large."
  }
  assert {
    condition     = aws_eks_node_group.this["system"].labels["seatrial.dev/node-group"] == "system" && aws_eks_node_group.this["application"].labels["seatrial.dev/node-group"] == "application"
    error_message = "Nodes must carry their group's label."
  }
  assert {
    condition     = one(aws_eks_node_group.this["system"].taint).effect == "NO_SCHEDULE" && length(aws_eks_node_group.this["application"].taint) == 0
    error_message = "System nodes must be tainted, application nodes must not."
  }
}

run "keeps_pods_away_from_the_nodes_rights" {
  command = plan

  assert {
    condition = alltrue([
      for template in aws_launch_template.nodes :
      template.metadata_options[0].http_tokens == "required" && template.metadata_options[0].http_put_response_hop_limit == 1
    ])
    error_message = "Pods must not reach the metadata service."
  }
  assert {
    condition     = keys(aws_iam_role_policy_attachment.nodes) == ["AmazonEC2ContainerRegistryPullOnly", "AmazonEKSWorkerNodePolicy"]
    error_message = "Nodes may join the cluster and pull images, and nothing else."
  }
}

run "encrypts_the_nodes_disks" {
  command = plan

  assert {
    condition     = alltrue([for template in aws_launch_template.nodes : tobool(template.block_device_mappings[0].ebs[0].encrypted)])
    error_message = "The nodes' disks must be encrypted."
  }
}

run "trusts_one_service_account" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.service_accounts["catalog"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF:aud" = "sts.amazonaws.com"
        "oidc.eks.ap-northeast-2.amazonaws.com/id/0123456789ABCDEF:sub" = "system:serviceaccount:shop:catalog"
      }
    }
    error_message = "The role must trust exactly one service account, and only tokens made for AWS."
  }
}

run "grants_what_was_named" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.service_accounts["catalog"].policy).Statement == [
      {
        Sid      = "ReadItsSecret"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = ["arn:aws:secretsmanager:ap-northeast-2:123456789012:secret:seatrial/catalog-abcdef"]
      },
      {
        Sid       = "DecryptIt"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = ["arn:aws:kms:ap-northeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"]
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.ap-northeast-2.amazonaws.com" } }
      },
    ]
    error_message = "The policy must say what was granted, and no more."
  }
}

run "brings_the_network_before_the_nodes" {
  command = plan

  assert {
    condition     = keys(aws_eks_addon.before_nodes) == ["kube-proxy", "vpc-cni"]
    error_message = "Nodes need a network and service addresses to become ready."
  }
  assert {
    condition     = contains(keys(aws_eks_addon.after_nodes), "aws-ebs-csi-driver") && contains(keys(aws_eks_addon.after_nodes), "aws-efs-csi-driver") && contains(keys(aws_eks_addon.after_nodes), "metrics-server")
    error_message = "Block storage, shared storage and the metrics API must be there."
  }
}

run "refuses_an_old_version" {
  command = plan
  variables {
    kubernetes_version = "1.27"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_a_version_that_is_none" {
  command = plan
  variables {
    kubernetes_version = "latest"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_a_single_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }
  expect_failures = [var.subnet_ids]
}

run "refuses_an_api_open_to_the_world" {
  command = plan
  variables {
    api_access_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.api_access_cidrs]
}

run "refuses_node_groups_that_are_all_tainted" {
  command = plan
  variables {
    node_groups = {
      system = {
        instance_type = "t3.medium"
        minimum       = 1
        desired       = 1
        maximum       = 1
        taints        = [{ key = "CriticalAddonsOnly", value = "true", effect = "NO_SCHEDULE" }]
      }
    }
  }
  expect_failures = [var.node_groups]
}

run "refuses_contradictory_sizes" {
  command = plan
  variables {
    node_groups = {
      application = { instance_type = "t3.large", minimum = 3, desired = 2, maximum = 4 }
    }
  }
  expect_failures = [var.node_groups]
}

run "refuses_wildcard_actions" {
  command = plan
  variables {
    service_accounts = {
      catalog = {
        namespace = "shop"
        name      = "catalog"
        grants    = [{ name = "All", actions = ["s3:*"], resources = ["arn:aws:s3:::uploads/*"] }]
      }
    }
  }
  expect_failures = [var.service_accounts]
}

run "refuses_grants_on_everything" {
  command = plan
  variables {
    service_accounts = {
      catalog = {
        namespace = "shop"
        name      = "catalog"
        grants    = [{ name = "All", actions = ["s3:GetObject"], resources = ["*"] }]
      }
    }
  }
  expect_failures = [var.service_accounts]
}

run "refuses_trust_in_all_service_accounts" {
  command = plan
  variables {
    service_accounts = {
      catalog = { namespace = "shop", name = "*", grants = [] }
    }
  }
  expect_failures = [var.service_accounts]
}

run "refuses_a_retention_that_cloudwatch_does_not_know" {
  command = plan
  variables {
    log_retention_days = 31
  }
  expect_failures = [var.log_retention_days]
}

run "refuses_a_thumbprint_with_colons" {
  command = plan
  variables {
    issuer_thumbprints = ["9E:99:A4"]
  }
  expect_failures = [var.issuer_thumbprints]
}
