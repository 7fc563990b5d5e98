variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "services" {
  description = "The services that have images."
  type        = set(string)
  default     = ["catalog", "gateway", "orders", "storefront"]

  validation {
    condition     = length(var.services) > 0 && alltrue([for service in var.services : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", service))])
    error_message = "A service has a name that no repository can have, or none was named: use a-z and 0-9, with single -, _ or . between them."
  }
}

variable "untagged_days" {
  description = "After how many days an image without a tag goes."
  type        = number
  default     = 7

  validation {
    condition     = var.untagged_days >= 1
    error_message = "Images without a tag cannot be kept for ${var.untagged_days} days: use 1 or more."
  }
}

variable "kept_images" {
  description = "How many images of a service are kept."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 2
    error_message = "With ${var.kept_images} images there would be none to go back to: keep 2 or more."
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
