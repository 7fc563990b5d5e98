output "name" {
  description = "The cluster's name."
  value       = aws_eks_cluster.this.name
}

output "arn" {
  description = "The cluster's ARN."
  value       = aws_eks_cluster.this.arn
}

output "endpoint" {
  description = "Where the API is."
  value       = aws_eks_cluster.this.endpoint
}

output "certificate_authority" {
  description = "The certificate authority of the API, in base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
}

output "node_group_names" {
  description = "The names of the node groups."
  value       = sort([for group in aws_eks_node_group.this : group.node_group_name])
}

output "security_group_ids" {
  description = "The security groups of the control plane and of the nodes."
  value = {
    control_plane = aws_security_group.control_plane.id
    nodes         = aws_security_group.nodes.id
  }
}

output "oidc_provider_arn" {
  description = "The identity provider that vouches for the cluster's service accounts."
  value       = aws_iam_openid_connect_provider.this.arn
}

output "oidc_issuer" {
  description = "The issuer of the cluster's tokens."
  value       = aws_eks_cluster.this.identity[0].oidc[0].issuer
}

output "service_account_role_arns" {
  description = "The roles of the service accounts, as namespace/name."
  value = {
    for key, account in var.service_accounts : "${account.namespace}/${account.name}" => aws_iam_role.service_accounts[key].arn
  }
}

output "node_role_arn" {
  description = "The role of the nodes."
  value       = aws_iam_role.nodes.arn
}

output "secrets_key_arn" {
  description = "The KMS key that encrypts the cluster's Secrets."
  value       = aws_kms_key.secrets.arn
}

output "log_group_name" {
  description = "Where the control plane's logs are."
  value       = aws_cloudwatch_log_group.control_plane.name
}
