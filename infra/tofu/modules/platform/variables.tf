variable "name" {
  description = "Begins the name of everything made here; also the cluster's name."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "project" {
  description = "The value of the tag Project, by which costs are counted."
  type        = string
  default     = "seatrial"
}

variable "disposable" {
  description = "Let one destroy delete everything, data included: no protection, no last snapshot, the shortest recovery. For environments that hold nothing of worth."
  type        = bool
  default     = false
}

# ---- Network

variable "cidr" {
  description = "The network's addresses: a private IPv4 range of /16 to /20."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zones" {
  description = "The letters of the availability zones: two to four."
  type        = list(string)
  default     = ["a", "c"]
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: cheaper, but its zone's loss cuts all nodes off the Internet."
  type        = bool
  default     = false
}

# ---- Cluster

variable "kubernetes_version" {
  description = "The Kubernetes version, as major.minor."
  type        = string
  default     = "1.34"
}

variable "api_access_cidrs" {
  description = "From where the cluster's API may be called over the Internet; empty: only from inside the network."
  type        = list(string)
  default     = []
}

variable "node_groups" {
  description = "The groups of nodes, by name; null: those of the cluster module."
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
  default = null
}

variable "addons" {
  description = "The add-ons, by name; null: those of the cluster module."
  type = map(object({
    version         = optional(string)
    before_nodes    = optional(bool, false)
    service_account = optional(string)
    policy          = optional(string)
  }))
  default = null
}

variable "namespace" {
  description = "The namespace of the services."
  type        = string
  default     = "shop"
}

variable "log_shipper" {
  description = "The service account that sends the nodes' logs away."
  type = object({
    namespace = string
    name      = string
  })
  default = { namespace = "logging", name = "log-shipper" }
}

# ---- Data

variable "database" {
  description = "The database's version, size, standby and backups."
  type = object({
    engine_version        = optional(string, "15")
    instance_class        = optional(string, "db.t3.medium")
    multi_az              = optional(bool, true)
    storage_type          = optional(string, "gp2")
    storage_gib           = optional(number, 20)
    storage_limit_gib     = optional(number, 100)
    backup_retention_days = optional(number, 14)
  })
  default = {}
}

variable "cache" {
  description = "The cache's size, number of nodes and snapshots."
  type = object({
    node_type               = optional(string, "cache.t3.small")
    nodes                   = optional(number, 2)
    snapshot_retention_days = optional(number, 7)
  })
  default = {}
}

variable "passwords" {
  description = "The first passwords: of the database's administrator, of the cache, and of the roles of the two services that have a database."
  type = object({
    database = string
    cache    = string
    catalog  = string
    orders   = string
  })
  default   = null
  sensitive = true

  validation {
    condition     = var.passwords == null ? true : alltrue([for password in values(var.passwords) : can(regex("^[A-Za-z0-9-]{16,128}$", password))])
    error_message = "A password is too short or has a character that not everything takes: use 16 to 128 letters, digits and - for each."
  }

  validation {
    condition     = (var.passwords == null) != (var.passwords_secret == null)
    error_message = "The passwords come from nowhere or from two places: give either passwords or passwords_secret."
  }
}

variable "passwords_secret" {
  description = "The name or ARN of a secret, made before, that holds the first passwords as a JSON object with the keys of passwords."
  type        = string
  default     = null
}

variable "rotation_lambda_arn" {
  description = "The Lambda function that rotates the database's passwords; null: nothing does."
  type        = string
  default     = null
}

# ---- Operation

variable "log_retention_days" {
  description = "How long logs of all kinds are kept, in days."
  type        = number
  default     = 365
}

variable "alarm_emails" {
  description = "Whom alarms and warnings of the budget reach by mail."
  type        = set(string)
  default     = []
}

variable "monthly_limit_usd" {
  description = "What the platform may cost in a month, in US dollars, before warnings go out."
  type        = number
}
