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

variable "emulator_url" {
  description = "Where the emulator of AWS listens, such as http://127.0.0.1:5000."
  type        = string

  validation {
    condition     = can(regex("^http://[a-z0-9.-]+:[0-9]{1,5}$", var.emulator_url))
    error_message = "\"${var.emulator_url}\" is no address of an emulator: write it as in http://127.0.0.1:5000, with the port and nothing behind it."
  }
}

variable "passwords" {
  description = "The passwords of the database's administrator, of the cache and of the services' roles; of no worth outside the emulator."
  type = object({
    database = string
    cache    = string
    catalog  = string
    orders   = string
  })
  sensitive = true
}

variable "addons" {
  description = "The cluster's add-ons, by name; null: those of the cluster module; {}: none, for an emulator that knows no add-ons."
  type = map(object({
    version         = optional(string)
    before_nodes    = optional(bool, false)
    service_account = optional(string)
    policy          = optional(string)
  }))
  default = null
}
