variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "entries" {
  description = "The entries, by name: what is in each, and the ARN of the Lambda function that rotates it, if one does."
  type = map(object({
    description         = string
    rotation_lambda_arn = optional(string)
  }))

  validation {
    condition     = alltrue([for entry in keys(var.entries) : can(regex("^[a-z0-9]+([/_-][a-z0-9]+)*$", entry))])
    error_message = "An entry has a name that cannot be used: write a-z and 0-9, with single /, - or _ between them, as in \"catalog/database\"."
  }

  validation {
    condition     = alltrue([for entry in var.entries : entry.rotation_lambda_arn == null || can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:", entry.rotation_lambda_arn))])
    error_message = "What should rotate an entry is no Lambda function: give its ARN, as in \"arn:aws:lambda:ap-northeast-2:123456789012:function:rotate\"."
  }
}

variable "first_values" {
  description = "What entries hold at first, by name; later changes are made in Secrets Manager and not undone from here."
  type        = map(map(string))
  default     = {}
  sensitive   = true

  validation {
    condition     = length(setsubtract(keys(var.first_values), keys(var.entries))) == 0
    error_message = "A first value was given for an entry that does not exist: name it in entries too."
  }
}

variable "rotation_days" {
  description = "How often entries are rotated that have something to do it, in days."
  type        = number
  default     = 30

  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 90
    error_message = "Entries cannot be rotated every ${var.rotation_days} days: use 1 to 90."
  }
}

variable "recovery_days" {
  description = "For how many days a deleted entry can be had back; 0: not at all, and its name is free at once."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "A deleted entry cannot be kept for ${var.recovery_days} days: use 7 to 30, or 0 to delete at once."
  }
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
