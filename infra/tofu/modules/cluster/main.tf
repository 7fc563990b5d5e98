# An EKS cluster: a control plane that logs and encrypts, nodes in private subnets whose pods cannot take the node's rights,
# and add-ons. Who may do what in the cloud is in service-accounts.tf.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  public_endpoint = length(var.api_access_cidrs) > 0
  managed_policy  = "arn:${data.aws_partition.current.partition}:iam::aws:policy"
}

# ---- Keys and logs

resource "aws_kms_key" "secrets" {
  description             = "Encrypts the Secrets of the cluster ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountAdministers"
      Effect    = "Allow"
      Action    = "kms:*"
      Resource  = "*"
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
    }]
  })
}

resource "aws_kms_alias" "secrets" {
  name          = "alias/${var.name}-cluster"
  target_key_id = aws_kms_key.secrets.key_id
}

# Made before the cluster, which would otherwise make it itself, to be kept for ever and unencrypted.
resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arn
}

# ---- Security groups

resource "aws_security_group" "control_plane" {
  name        = "${var.name}-control-plane"
  description = "The API server of the cluster"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-control-plane" }
}

resource "aws_security_group" "nodes" {
  name        = "${var.name}-nodes"
  description = "The nodes of the cluster and the pods on them"
  vpc_id      = var.vpc_id

  tags = {
    Name                                = "${var.name}-nodes"
    "kubernetes.io/cluster/${var.name}" = "owned"
  }
}

resource "aws_security_group_rule" "control_plane_from_nodes" {
  description              = "Nodes and pods call the API"
  type                     = "ingress"
  security_group_id        = aws_security_group.control_plane.id
  source_security_group_id = aws_security_group.nodes.id
  protocol                 = "tcp"
  from_port                = 443
  to_port                  = 443
}

resource "aws_security_group_rule" "control_plane_to_nodes" {
  description              = "The API calls kubelets, webhooks and aggregated APIs"
  type                     = "egress"
  security_group_id        = aws_security_group.control_plane.id
  source_security_group_id = aws_security_group.nodes.id
  protocol                 = "tcp"
  from_port                = 1025
  to_port                  = 65535
}

resource "aws_security_group_rule" "control_plane_to_webhooks" {
  description              = "The API calls webhooks that listen at 443"
  type                     = "egress"
  security_group_id        = aws_security_group.control_plane.id
  source_security_group_id = aws_security_group.nodes.id
  protocol                 = "tcp"
  from_port                = 443
  to_port                  = 443
}

resource "aws_security_group_rule" "nodes_from_control_plane" {
  description              = "The API calls kubelets, webhooks and aggregated APIs"
  type                     = "ingress"
  security_group_id        = aws_security_group.nodes.id
  source_security_group_id = aws_security_group.control_plane.id
  protocol                 = "tcp"
  from_port                = 1025
  to_port                  = 65535
}

resource "aws_security_group_rule" "nodes_from_webhook_calls" {
  description              = "The API calls webhooks that listen at 443"
  type                     = "ingress"
  security_group_id        = aws_security_group.nodes.id
  source_security_group_id = aws_security_group.control_plane.id
  protocol                 = "tcp"
  from_port                = 443
  to_port                  = 443
}

resource "aws_security_group_rule" "nodes_from_nodes" {
  description       = "Pods call pods; network policies say which"
  type              = "ingress"
  security_group_id = aws_security_group.nodes.id
  self              = true
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
}

resource "aws_security_group_rule" "nodes_to_nodes" {
  description       = "Pods call pods; network policies say which"
  type              = "egress"
  security_group_id = aws_security_group.nodes.id
  self              = true
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
}

resource "aws_security_group_rule" "nodes_to_https" {
  description       = "The API of the cluster, the APIs of AWS and image registries"
  type              = "egress"
  security_group_id = aws_security_group.nodes.id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
}

# ---- The control plane

resource "aws_iam_role" "control_plane" {
  name = "${var.name}-control-plane"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "eks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "control_plane" {
  role       = aws_iam_role.control_plane.name
  policy_arn = "${local.managed_policy}/AmazonEKSClusterPolicy"
}

resource "aws_iam_role_policy" "control_plane_key" {
  name = "encrypt-secrets"
  role = aws_iam_role.control_plane.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"]
      Resource = aws_kms_key.secrets.arn
    }]
  })
}

resource "aws_eks_cluster" "this" {
  name     = var.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.control_plane.arn

  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  vpc_config {
    subnet_ids              = var.subnet_ids
    security_group_ids      = [aws_security_group.control_plane.id]
    endpoint_private_access = true
    endpoint_public_access  = local.public_endpoint
    public_access_cidrs     = local.public_endpoint ? var.api_access_cidrs : null
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.secrets.arn
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.control_plane,
    aws_iam_role_policy.control_plane_key,
    aws_iam_role_policy_attachment.control_plane,
  ]
}

# ---- Nodes

resource "aws_iam_role" "nodes" {
  name = "${var.name}-nodes"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# Joining the cluster and pulling images, and nothing else: what pods need, they get through their service accounts.
resource "aws_iam_role_policy_attachment" "nodes" {
  for_each = toset(["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"])

  role       = aws_iam_role.nodes.name
  policy_arn = "${local.managed_policy}/${each.key}"
}

resource "aws_launch_template" "nodes" {
  for_each = var.node_groups

  name                   = "${var.name}-${each.key}"
  description            = "Nodes of the group ${each.key}"
  update_default_version = true
  vpc_security_group_ids = [aws_security_group.nodes.id]

  # One hop: the node itself reaches the metadata service, its pods do not, so they cannot take the node's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = each.value.disk_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-${each.key}" }
  }

  tag_specifications {
    resource_type = "volume"
    tags          = { Name = "${var.name}-${each.key}" }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = var.node_groups

  cluster_name    = aws_eks_cluster.this.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = var.subnet_ids
  instance_types  = [each.value.instance_type]
  capacity_type   = each.value.spot ? "SPOT" : "ON_DEMAND"
  labels          = merge({ "seatrial.dev/node-group" = each.key }, each.value.labels)

  scaling_config {
    min_size     = each.value.minimum
    desired_size = each.value.desired
    max_size     = each.value.maximum
  }

  launch_template {
    id      = aws_launch_template.nodes[each.key].id
    version = aws_launch_template.nodes[each.key].latest_version
  }

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = taint.value.effect
    }
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size] # the autoscaler's
  }

  depends_on = [
    aws_eks_addon.before_nodes,
    aws_iam_role_policy_attachment.nodes,
    aws_security_group_rule.control_plane_from_nodes,
    aws_security_group_rule.control_plane_to_nodes,
    aws_security_group_rule.nodes_from_control_plane,
    aws_security_group_rule.nodes_to_https,
  ]
}

# ---- Add-ons

# Without a network a node never becomes ready.
resource "aws_eks_addon" "before_nodes" {
  for_each = { for name, addon in var.addons : name => addon if addon.before_nodes }

  cluster_name             = aws_eks_cluster.this.name
  addon_name               = each.key
  addon_version            = each.value.version
  service_account_role_arn = each.value.service_account == null ? null : aws_iam_role.addons[each.key].arn

  depends_on = [aws_iam_role_policy_attachment.addons]
}

# These are deployments: without nodes they never become active.
resource "aws_eks_addon" "after_nodes" {
  for_each = { for name, addon in var.addons : name => addon if !addon.before_nodes }

  cluster_name             = aws_eks_cluster.this.name
  addon_name               = each.key
  addon_version            = each.value.version
  service_account_role_arn = each.value.service_account == null ? null : aws_iam_role.addons[each.key].arn

  depends_on = [aws_eks_node_group.this, aws_iam_role_policy_attachment.addons]
}
