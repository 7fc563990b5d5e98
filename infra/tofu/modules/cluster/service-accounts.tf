# Rights in the cloud go to one service account each: a role trusts tokens that this cluster has signed for exactly that
# account of exactly that namespace, and for AWS as their reader.

locals {
  issuer = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://", "")

  addon_accounts = { for name, addon in var.addons : name => addon if addon.service_account != null }

  trust = {
    for subject in distinct(concat(
      [for account in var.service_accounts : "system:serviceaccount:${account.namespace}:${account.name}"],
      [for addon in local.addon_accounts : "system:serviceaccount:kube-system:${addon.service_account}"],
    )) :
    subject => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRoleWithWebIdentity"
        Principal = { Federated = aws_iam_openid_connect_provider.this.arn }
        Condition = {
          StringEquals = {
            "${local.issuer}:aud" = "sts.amazonaws.com"
            "${local.issuer}:sub" = subject
          }
        }
      }]
    })
  }

  # What an account's policy says, with the condition left out where there is none.
  grants = {
    for key, account in var.service_accounts : key => [
      for grant in account.grants : merge(
        {
          Sid      = grant.name
          Effect   = "Allow"
          Action   = grant.actions
          Resource = grant.resources
        },
        grant.only_through == null ? {} : {
          Condition = {
            StringEquals = { "kms:ViaService" = "${grant.only_through}.${data.aws_region.current.id}.amazonaws.com" }
          }
        },
      )
    ]
  }
}

resource "aws_iam_openid_connect_provider" "this" {
  url             = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = var.issuer_thumbprints
}

resource "aws_iam_role" "service_accounts" {
  for_each = var.service_accounts

  name               = "${var.name}-${each.key}"
  description        = "For the service account ${each.value.name} of the namespace ${each.value.namespace}"
  assume_role_policy = local.trust["system:serviceaccount:${each.value.namespace}:${each.value.name}"]
}

resource "aws_iam_role_policy" "service_accounts" {
  for_each = var.service_accounts

  name = "what-it-needs"
  role = aws_iam_role.service_accounts[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.grants[each.key]
  })
}

resource "aws_iam_role" "addons" {
  for_each = local.addon_accounts

  name               = "${var.name}-${each.key}"
  description        = "For the add-on ${each.key}"
  assume_role_policy = local.trust["system:serviceaccount:kube-system:${each.value.service_account}"]
}

resource "aws_iam_role_policy_attachment" "addons" {
  for_each = local.addon_accounts

  role       = aws_iam_role.addons[each.key].name
  policy_arn = "${local.managed_policy}/${each.value.policy}"
}
