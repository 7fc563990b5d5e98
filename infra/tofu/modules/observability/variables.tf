variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "log_groups" {
  description = "Whose logs are kept: each has a group named after it."
  type        = set(string)
  default     = ["catalog", "gateway", "orders", "storefront", "platform"]

  validation {
    condition     = length(var.log_groups) > 0 && alltrue([for group in var.log_groups : can(regex("^[a-z][a-z0-9-]*$", group))])
    error_message = "A log group cannot be named that way, or none was named: use a-z, 0-9 and -, beginning with a letter."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept, in days."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps no log for ${var.log_retention_days} days: use 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653."
  }
}

variable "alarm_emails" {
  description = "Whom alarms reach by mail."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", address))])
    error_message = "An alarm cannot be sent to something that is no mail address: write them as in \"team@example.org\"."
  }
}

variable "error_limit" {
  description = "How many errors in five minutes the logs of one service may tell of."
  type        = number
  default     = 10

  validation {
    condition     = var.error_limit >= 0
    error_message = "There cannot be ${var.error_limit} errors: use 0 or more."
  }
}

variable "database_identifier" {
  description = "The database that is watched."
  type        = string
}

variable "cache_node_ids" {
  description = "The cache's nodes that are watched."
  type        = list(string)
}

variable "nat_gateway_ids" {
  description = "The NAT gateways that are watched, by the letter of their zone."
  type        = map(string)
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
