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
  description = "The network that the database is in."
  type        = string
}

variable "subnet_ids" {
  description = "The database subnets, in two zones or more."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A database needs subnets in two zones: give at least two."
  }
}

variable "client_security_group_ids" {
  description = "The security groups that may call the database, by a word for who they are."
  type        = map(string)

  validation {
    condition     = length(var.client_security_group_ids) > 0
    error_message = "Nobody could call the database: name the security group of the nodes."
  }
}

variable "engine_version" {
  description = "PostgreSQL's version, as major (the newest minor that AWS prefers) or major.minor."
  type        = string
  default     = "15"

  validation {
    condition     = can(regex("^(15|16|17)(\\.[0-9]{1,2})?$", var.engine_version))
    error_message = "The PostgreSQL version \"${var.engine_version}\" is unknown here: use 15, 16 or 17, or a minor version of these, as in \"15.12\"."
  }
}

variable "instance_class" {
  description = "The size of the instance."
  type        = string
  default     = "db.t3.medium"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "\"${var.instance_class}\" is no instance class of RDS: write one as in \"db.t3.medium\"."
  }
}

variable "port" {
  description = "Where the database listens."
  type        = number
  default     = 5432

  validation {
    condition     = var.port >= 1150 && var.port <= 65535
    error_message = "RDS cannot listen at port ${var.port}: use 1150 to 65535."
  }
}

variable "username" {
  description = "The administrator's name."
  type        = string
  default     = "seatrial_admin"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.username)) && !contains(["admin", "postgres", "rdsadmin"], var.username)
    error_message = "\"${var.username}\" cannot be the administrator's name: use a-z, 0-9 and _, beginning with a letter, and neither admin, postgres nor rdsadmin."
  }
}

variable "password" {
  description = "The administrator's password, until it is rotated in Secrets Manager."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[!#-.0-?A-~]{16,128}$", var.password))
    error_message = "The administrator's password is too short or has a character that RDS refuses: use 16 to 128 printable ASCII characters without blanks, /, @ and double quotes."
  }
}

variable "multi_az" {
  description = "A standby in another zone, which takes over when the first is lost."
  type        = bool
  default     = true
}

variable "storage_type" {
  description = "The kind of storage. gp3 costs the same and is faster, but providers before 4.45 do not know it."
  type        = string
  default     = "gp2"

  validation {
    condition     = contains(["gp2", "gp3"], var.storage_type)
    error_message = "The kind of storage \"${var.storage_type}\" is unknown here: use gp2 or gp3."
  }
}

variable "storage_gib" {
  description = "The storage at the beginning, in GiB."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 65536
    error_message = "RDS has no storage of ${var.storage_gib} GiB: use 20 to 65536."
  }
}

variable "storage_limit_gib" {
  description = "Up to how many GiB the storage may grow by itself."
  type        = number
  default     = 100

  validation {
    condition     = var.storage_limit_gib >= 1.1 * var.storage_gib
    error_message = "The storage could not grow: make storage_limit_gib at least a tenth more than storage_gib (${var.storage_gib})."
  }
}

variable "backup_retention_days" {
  description = "How many days back the database can be restored to any moment."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "Backups cannot be kept for ${var.backup_retention_days} days: use 1 to 35 (0 would mean none)."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the database, and take a last snapshot when that is allowed one day."
  type        = bool
  default     = true
}

variable "apply_immediately" {
  description = "Change the database at once instead of in the maintenance window; it may restart."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long the database's logs are kept, in days."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps no log for ${var.log_retention_days} days: use 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653."
  }
}

variable "log_key_arn" {
  description = "The KMS key that encrypts the database's logs; without one, CloudWatch uses its own."
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
