variable "name" {
  description = "Begins the name of everything; also the cluster's name."
  type        = string
  default     = "seatrial"
}

variable "region" {
  description = "The AWS region."
  type        = string
  default     = "ap-northeast-2"

  validation {
    condition = contains([
      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
      "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
      "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
    ], var.region)
    error_message = "The region \"${var.region}\" is not supported: use one that has three zones and every service needed, such as ap-northeast-2, eu-central-1 or us-east-1."
  }
}

variable "zones" {
  description = "The letters of the availability zones: two to four."
  type        = list(string)
  default     = ["a", "c"]
}

variable "cidr" {
  description = "The network's addresses: a private IPv4 range of /16 to /20."
  type        = string
  default     = "10.0.0.0/16"
}

variable "kubernetes_version" {
  description = "The Kubernetes version, as major.minor."
  type        = string
  default     = "1.34"
}

variable "allowed_account_ids" {
  description = "The AWS accounts that this may be applied to; with credentials of another, nothing is done."
  type        = list(string)

  validation {
    condition     = length(var.allowed_account_ids) > 0 && alltrue([for account in var.allowed_account_ids : can(regex("^[0-9]{12}$", account))])
    error_message = "No account is allowed, or one is none: give the twelve digits of each account, as in [\"123456789012\"]."
  }
}

variable "api_access_cidrs" {
  description = "From where the cluster's API may be called over the Internet; empty: only from inside the network."
  type        = list(string)
  default     = []
}

variable "passwords_secret" {
  description = "The name or ARN of the secret, made before, that holds the first passwords; see the platform module."
  type        = string
  default     = "seatrial-first-passwords"
}

variable "alarm_emails" {
  description = "Whom alarms and warnings of the budget reach by mail."
  type        = set(string)

  validation {
    condition     = length(var.alarm_emails) > 0
    error_message = "Alarms of production would reach nobody: name at least one mail address."
  }
}

variable "monthly_limit_usd" {
  description = "What the platform may cost in a month, in US dollars, before warnings go out."
  type        = number
  default     = 1500
}

variable "rotation_lambda_arn" {
  description = "The Lambda function that rotates the database's passwords; null: nothing does."
  type        = string
  default     = null
}
