variable "assets_bucket" {
  description = "Holds what the image's stage `assets` brings, below _next/static."
  type        = string
}

variable "domain" {
  description = "The host name users type; its A and AAAA records must point here."
  type        = string
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "project_number" {
  description = "Its number: the load balancer's own account is named by it."
  type        = string
}

variable "requests_per_minute_max" {
  description = "Of one address. Generous, for whole cities share an address behind a carrier's NAT."
  type        = number
  default     = 6000
}

variable "services" {
  description = "Each service: its kind, its paths (none for the frontend), the regions it serves from and its longest request."
  type        = map(object({ kind = string, paths = list(string), regions = list(string) }))
}
