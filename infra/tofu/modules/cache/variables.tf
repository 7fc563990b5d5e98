variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "vpc_id" {
  description = "The network that the cache is in."
  type        = string
}

variable "subnet_ids" {
  description = "The database subnets, in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A cache that survives the loss of a zone needs subnets in two: give at least two."
  }
}

variable "client_security_group_ids" {
  description = "The security groups that may call the cache, by a word for who they are."
  type        = map(string)

  validation {
    condition     = length(var.client_security_group_ids) > 0
    error_message = "Nobody could call the cache: name the security group of the nodes."
  }
}

variable "engine_family" {
  description = "Redis' generation; AWS takes its newest version."
  type        = string
  default     = "redis7"

  validation {
    condition     = contains(["redis7"], var.engine_family)
    error_message = "The engine family \"${var.engine_family}\" is unknown here: use \"redis7\"."
  }
}

variable "node_type" {
  description = "The size of a node."
  type        = string
  default     = "cache.t3.small"

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "\"${var.node_type}\" is no node type of ElastiCache: write one as in \"cache.t3.small\"."
  }
}

variable "nodes" {
  description = "How many nodes: one that takes writes, the others follow it and take over."
  type        = number
  default     = 2

  validation {
    condition     = var.nodes >= 2 && var.nodes <= 6
    error_message = "With ${var.nodes} nodes there would be no failover, or more followers than Redis takes: use 2 to 6."
  }
}

variable "port" {
  description = "Where the cache listens."
  type        = number
  default     = 6379

  validation {
    condition     = var.port >= 1024 && var.port <= 65535
    error_message = "The cache cannot listen at port ${var.port}: use 1024 to 65535."
  }
}

variable "auth_token" {
  description = "What clients authenticate with, until it is rotated in Secrets Manager."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9!&#$^<>-]{16,128}$", var.auth_token))
    error_message = "The cache's token is too short or has a character that ElastiCache refuses: use 16 to 128 letters, digits and !&#$^<>-."
  }
}

variable "snapshot_retention_days" {
  description = "For how many days the daily snapshots are kept."
  type        = number
  default     = 7

  validation {
    condition     = var.snapshot_retention_days >= 1 && var.snapshot_retention_days <= 35
    error_message = "Snapshots cannot be kept for ${var.snapshot_retention_days} days: use 1 to 35 (0 would mean none)."
  }
}

variable "apply_immediately" {
  description = "Change the cache at once instead of in the maintenance window."
  type        = bool
  default     = false
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
