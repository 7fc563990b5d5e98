variable "name" {
  description = "Begins the name of everything made here."
  type        = string
  default     = "seatrial"

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 2 && length(var.name) <= 20
    error_message = "The name \"${var.name}\" cannot begin the names of AWS resources: use 2 to 20 of a-z and 0-9, beginning with a letter, with single - between them."
  }
}

variable "cluster_name" {
  description = "The cluster whose load balancers look for these subnets by tag."
  type        = string
  default     = "seatrial"
}

variable "cidr" {
  description = "The network's addresses: a private IPv4 range of /16 to /20."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr))
    error_message = "The network \"${var.cidr}\" is no private IPv4 range: write one inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, such as 10.0.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "The network \"${var.cidr}\" has no room for the subnets (16 of them, each with 251 addresses or more), or is larger than a VPC may be: use a prefix of /16 to /20."
  }

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr, false)
    error_message = "The network \"${var.cidr}\" does not begin where its prefix says: set the bits behind the prefix to zero, as in 10.0.0.0/16."
  }
}

variable "zones" {
  description = "The letters of the availability zones; the first carries the NAT gateway if there is only one."
  type        = list(string)
  default     = ["a", "c"]

  validation {
    condition     = length(distinct(var.zones)) >= 2
    error_message = "Fewer than two zones were given: name at least two different ones, such as [\"a\", \"c\"], so that the loss of one zone is survived."
  }

  validation {
    condition     = length(var.zones) <= 4 && length(var.zones) == length(distinct(var.zones)) && alltrue([for zone in var.zones : can(regex("^[a-z]$", zone))])
    error_message = "The zones are not two to four different letters: write them as in [\"a\", \"c\"]."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: a third cheaper or more, but if its zone is lost, no private subnet reaches the Internet."
  type        = bool
  default     = false
}

variable "database_ports" {
  description = "The TCP ports at which nodes may call what is in the database subnets."
  type        = list(number)
  default     = [5432, 6379]

  validation {
    condition     = length(var.database_ports) >= 1 && length(var.database_ports) <= 9 && alltrue([for port in var.database_ports : port >= 1024 && port <= 65535])
    error_message = "The database ports are not one to nine numbers from 1024 to 65535: name those of the databases, such as [5432, 6379]."
  }
}

variable "flow_log_retention_days" {
  description = "How long flow logs are kept, in days."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], var.flow_log_retention_days)
    error_message = "CloudWatch keeps no log for ${var.flow_log_retention_days} days: use 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827 or 3653."
  }
}

variable "log_key_arn" {
  description = "The KMS key that encrypts the flow logs; without one, CloudWatch uses its own."
  type        = string
  default     = null
}
