variable "access" {
  description = "What the function may do beside answering its own pushes: topics it publishes to and buckets it uses, each by a short name."
  type = object({
    publishes = optional(map(string), {})
    buckets   = optional(map(object({ bucket = string, role = string })), {})
  })
  default = {}
}

variable "common" {
  description = "What all functions of the environment share; platform/functions.tf builds it once."
  type = object({
    alerts               = object({ unacked_seconds_max = number, function_latency_ms_max = number })
    build_account        = string
    channels             = list(string)
    delivery_environment = string
    encryption_key       = string
    network              = object({ network = string, subnetwork = string })
    place                = object({ environment = string, serving = string, automation = string })
    project              = string
    project_number       = string
    region               = string
    rejected_events      = string
    repository           = string
    storage_regions      = list(string)
    zips                 = object({ bucket = string, directory = string })
  })
}

variable "description" {
  description = "One sentence: what it does."
  type        = string
}

variable "name" {
  description = "The function's directory below functions/."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+(_[a-z]+)*$", var.name)) && length(var.name) <= 25
    error_message = "Lower-case words joined by underscores, at most 25 characters: the push account's id adds five."
  }
}

variable "private_egress" {
  description = "Whether it calls through the network, where services that only the load balancer may reach answer it."
  type        = bool
  default     = false
}

variable "retry" {
  description = "How Pub/Sub tries again, and when it gives up and keeps the message as a dead letter."
  type = object({
    backoff_seconds_min = optional(number, 10)
    backoff_seconds_max = optional(number, 600)
    attempts_max        = optional(number, 10)
  })
  default = {}

  validation {
    condition     = var.retry.attempts_max >= 5 && var.retry.attempts_max <= 100
    error_message = "Pub/Sub takes 5 to 100 delivery attempts."
  }
}

variable "seconds_max" {
  description = "How long one message may take; Pub/Sub waits as long for the answer."
  type        = number
  default     = 60
}

variable "subscriptions" {
  description = "What calls it, by the subscription's name: the topic's id, and a filter on attributes (\"\" is every message)."
  type        = map(object({ topic = string, filter = optional(string, "") }))

  validation {
    condition     = length(var.subscriptions) > 0
    error_message = "A function that nothing calls is none."
  }
}
