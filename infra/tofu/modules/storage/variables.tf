variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "buckets" {
  description = "What the buckets are for; each is named after it."
  type        = set(string)
  default     = ["uploads"]

  validation {
    condition     = alltrue([for bucket in var.buckets : can(regex("^[a-z][a-z0-9-]{0,26}[a-z0-9]$", bucket))]) && !contains(var.buckets, "access-logs")
    error_message = "A bucket cannot be named that way: use 2 to 28 of a-z, 0-9 and -, beginning with a letter; access-logs is taken."
  }
}

variable "force_destroy" {
  description = "Let a destroy delete buckets with all that is in them."
  type        = bool
  default     = false
}

variable "abort_uploads_days" {
  description = "After how many days an upload in parts that nobody finished is thrown away."
  type        = number
  default     = 3

  validation {
    condition     = var.abort_uploads_days >= 1 && var.abort_uploads_days <= 30
    error_message = "Unfinished uploads cannot be kept for ${var.abort_uploads_days} days: use 1 to 30."
  }
}

variable "old_versions_days" {
  description = "For how many days a version that was overwritten or deleted can be had back."
  type        = number
  default     = 90

  validation {
    condition     = var.old_versions_days >= 1
    error_message = "Old versions cannot be kept for ${var.old_versions_days} days: use 1 or more."
  }
}

variable "access_log_days" {
  description = "How long access logs are kept, in days."
  type        = number
  default     = 365

  validation {
    condition     = var.access_log_days >= 1
    error_message = "Access logs cannot be kept for ${var.access_log_days} days: use 1 or more."
  }
}

variable "vpc_id" {
  description = "The network that the shared files are in."
  type        = string
}

variable "subnet_ids_by_zone" {
  description = "One private subnet in each zone, by the zone's letter, for the mount targets."
  type        = map(string)

  validation {
    condition     = length(var.subnet_ids_by_zone) >= 2
    error_message = "Shared files that survive the loss of a zone need mount targets in two: give a subnet in each of at least two zones."
  }
}

variable "client_security_group_ids" {
  description = "The security groups that may mount the shared files, by a word for who they are."
  type        = map(string)

  validation {
    condition     = length(var.client_security_group_ids) > 0
    error_message = "Nobody could mount the shared files: name the security group of the nodes."
  }
}

variable "file_owner_id" {
  description = "The user and group that shared files belong to: that of the services."
  type        = number
  default     = 10001

  validation {
    condition     = var.file_owner_id >= 1 && var.file_owner_id <= 4294967295
    error_message = "Shared files cannot belong to user ${var.file_owner_id}: use the number of a user other than root."
  }
}

variable "backup_files" {
  description = "Back the shared files up every day, for 35 days."
  type        = bool
  default     = true
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
