variable "name" {
  description = "The cluster's name; begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "kubernetes_version" {
  description = "The Kubernetes version, as major.minor."
  type        = string
  default     = "1.34"

  validation {
    condition     = can(regex("^1\\.(2[89]|[3-9][0-9])$", var.kubernetes_version))
    error_message = "The Kubernetes version \"${var.kubernetes_version}\" is not supported: use 1.28 or later, as in \"1.34\"."
  }
}

variable "vpc_id" {
  description = "The network that the cluster is in."
  type        = string
}

variable "subnet_ids" {
  description = "The private subnets that nodes and the control plane's interfaces are in, in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A cluster needs subnets in two zones: give at least two."
  }
}

variable "api_access_cidrs" {
  description = "From where the API may be called over the Internet; empty: only from inside the network."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.api_access_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 8, false)])
    error_message = "The API would be open to the world, or a range is not one: name the addresses that need it, with a prefix of /8 or longer, as in [\"203.0.113.0/24\"]."
  }
}

variable "node_groups" {
  description = "The groups of nodes, by name: size, disk in GiB, labels, and taints that keep other pods away."
  nullable    = false
  type = map(object({
    instance_type = string
    minimum       = number
    desired       = number
    maximum       = number
    disk_gib      = optional(number, 50)
    spot          = optional(bool, false)
    labels        = optional(map(string), {})
    taints = optional(list(object({
      key    = string
      value  = string
      effect = string
    })), [])
  }))
  default = {
    system = {
      instance_type = "t3.medium"
      minimum       = 2
      desired       = 2
      maximum       = 3
      labels        = { "seatrial.dev/role" = "system" }
      taints        = [{ key = "CriticalAddonsOnly", value = "true", effect = "NO_SCHEDULE" }]
    }
    application = {
      instance_type = "t3.large"
      minimum       = 2
      desired       = 2
      maximum       = 6
      labels        = { "seatrial.dev/role" = "application" }
    }
  }

  validation {
    condition     = alltrue([for group in var.node_groups : 1 <= group.minimum && group.minimum <= group.desired && group.desired <= group.maximum])
    error_message = "A node group's sizes contradict each other: make minimum at least 1, desired at least minimum, and maximum at least desired."
  }

  validation {
    condition     = alltrue(flatten([for group in var.node_groups : [for taint in group.taints : contains(["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"], taint.effect)]]))
    error_message = "A taint's effect is unknown: use NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE."
  }

  validation {
    condition     = anytrue([for group in var.node_groups : length(group.taints) == 0])
    error_message = "All node groups are tainted, so that ordinary pods would have no place: leave one without taints."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : group.disk_gib >= 20])
    error_message = "A node's disk is too small for images and logs: give each group at least 20 GiB."
  }
}

variable "addons" {
  description = "The add-ons, by name; a null version is the cluster's default. Those with a service account (in kube-system) get a role with the managed policy named."
  nullable    = false
  type = map(object({
    version         = optional(string)
    before_nodes    = optional(bool, false)
    service_account = optional(string)
    policy          = optional(string)
  }))
  default = {
    vpc-cni            = { before_nodes = true, service_account = "aws-node", policy = "AmazonEKS_CNI_Policy" }
    kube-proxy         = { before_nodes = true }
    coredns            = {}
    metrics-server     = {}
    aws-ebs-csi-driver = { service_account = "ebs-csi-controller-sa", policy = "service-role/AmazonEBSCSIDriverPolicy" }
    aws-efs-csi-driver = { service_account = "efs-csi-controller-sa", policy = "service-role/AmazonEFSCSIDriverPolicy" }
  }

  validation {
    condition     = alltrue([for addon in var.addons : (addon.service_account == null) == (addon.policy == null)])
    error_message = "An add-on has a service account or a policy, but not both: give both or neither."
  }
}

variable "service_accounts" {
  description = "Who in the cluster may do what in the cloud: by a name for the role, the service account and its grants. A grant with only_through holds for a key when that service (such as s3) uses it for the account."
  type = map(object({
    namespace = string
    name      = string
    grants = list(object({
      name         = string
      actions      = list(string)
      resources    = list(string)
      only_through = optional(string)
    }))
  }))
  default = {}

  validation {
    condition     = alltrue([for account in var.service_accounts : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", account.namespace)) && can(regex("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", account.name))])
    error_message = "A service account or its namespace is not one exact name: write both without wildcards, as Kubernetes does."
  }

  validation {
    condition     = alltrue(flatten([for account in var.service_accounts : [for grant in account.grants : [for action in grant.actions : !strcontains(action, "*")]]]))
    error_message = "A service account is granted actions by a wildcard: name each action that it needs."
  }

  validation {
    condition     = alltrue(flatten([for account in var.service_accounts : [for grant in account.grants : !contains(grant.resources, "*")]]))
    error_message = "A service account is granted something on all resources: name those that it needs."
  }
}

variable "issuer_thumbprints" {
  description = "The SHA-1 thumbprints of the certificate authority behind the issuer of the cluster's tokens. AWS verifies EKS issuers by its own trust store; older providers want one all the same."
  type        = list(string)
  default     = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"] # the root behind oidc.eks.*.amazonaws.com

  validation {
    condition     = length(var.issuer_thumbprints) > 0 && alltrue([for thumbprint in var.issuer_thumbprints : can(regex("^[0-9a-f]{40}$", thumbprint))])
    error_message = "A thumbprint is not one: write the 40 hexadecimal digits of the certificate's SHA-1, in small letters and without colons."
  }
}

variable "log_retention_days" {
  description = "How long the control plane's logs are kept, in days."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps no log for ${var.log_retention_days} days: use 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653."
  }
}

variable "log_key_arn" {
  description = "The KMS key that encrypts the control plane's logs; without one, CloudWatch uses its own."
  type        = string
  default     = null
}

variable "key_deletion_days" {
  description = "How long a deleted key can be recovered, in days."
  type        = number
  default     = 30

  validation {
    condition     = var.key_deletion_days >= 7 && var.key_deletion_days <= 30
    error_message = "A key cannot be kept recoverable for ${var.key_deletion_days} days: use 7 to 30."
  }
}
