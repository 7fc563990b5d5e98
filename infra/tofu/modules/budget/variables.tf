variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "limit_usd" {
  description = "What the platform may cost in a month, in US dollars."
  type        = number

  validation {
    condition     = var.limit_usd >= 1
    error_message = "A budget of ${var.limit_usd} USD would warn at once: set 1 or more."
  }
}

variable "project" {
  description = "The value of the tag Project of what is counted; the tag must be activated for cost allocation once."
  type        = string
  default     = "seatrial"
}

variable "warn_at_percent" {
  description = "At which shares of the limit a warning is sent, in percent. Above 100 % of what is forecast one is sent in any case."
  type        = set(number)
  default     = [50, 80, 100]

  validation {
    condition     = length(var.warn_at_percent) >= 1 && length(var.warn_at_percent) <= 4 && alltrue([for share in var.warn_at_percent : share > 0 && share <= 1000])
    error_message = "A budget warns at one to four shares of its limit: give them in percent, as in [50, 80, 100]."
  }
}

variable "alarm_topic_arn" {
  description = "The topic that warnings are published to."
  type        = string
}

variable "emails" {
  description = "Who is told by mail, without having to confirm."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.emails) <= 10 && alltrue([for address in var.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", address))])
    error_message = "A warning goes to ten mail addresses at most: write them as in \"team@example.org\"."
  }
}
