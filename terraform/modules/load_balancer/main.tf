# One door for users, near them all over the world: TLS, HTTP/3, compression, cache, and a limit on floods.
# The frontend takes every path that no backend asks for; a release's own files come from a bucket that keeps those of
# all releases, so that a page of one revision finds its scripts while another has the traffic.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

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

locals {
  frontend = one([for name, service in var.services : name if service.kind == "frontend"])
  backends = { for name, service in var.services : name => service if service.kind == "backend" }
  groups = merge([
    for name, service in var.services : { for region in service.regions : "${name}-${region}" => { service = name, region = region } }
  ]...)
  year_seconds = 31536000
}

resource "google_compute_region_network_endpoint_group" "service" {
  for_each = local.groups

  project               = var.project
  region                = each.value.region
  name                  = each.key
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

resource "google_compute_security_policy" "this" {
  project = var.project
  name    = "front-door"
  type    = "CLOUD_ARMOR"

  rule {
    priority    = 1000
    action      = "throttle"
    description = "No single address may flood us"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute_max
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "allow"
    description = "Everybody else"

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "service" {
  for_each = var.services

  project               = var.project
  name                  = each.key
  protocol              = "HTTPS"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.this.id
  compression_mode      = "AUTOMATIC"
  enable_cdn            = each.value.kind == "frontend"

  # Several regions share users by distance, and one that fails hands over.
  dynamic "backend" {
    for_each = toset(each.value.regions)
    content {
      group = google_compute_region_network_endpoint_group.service["${each.key}-${backend.value}"].id
    }
  }

  # Only what says that it may be cached; a page for one person never is.
  dynamic "cdn_policy" {
    for_each = each.value.kind == "frontend" ? [1] : []
    content {
      cache_mode        = "USE_ORIGIN_HEADERS"
      serve_while_stale = 86400
      negative_caching  = true

      cache_key_policy {
        include_host         = true
        include_protocol     = true
        include_query_string = true
      }
    }
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

resource "google_compute_backend_bucket" "assets" {
  project          = var.project
  name             = "assets"
  bucket_name      = var.assets_bucket
  enable_cdn       = true
  compression_mode = "AUTOMATIC"

  # File names carry their content's hash: what was right once stays right.
  cdn_policy {
    cache_mode         = "FORCE_CACHE_ALL"
    default_ttl        = local.year_seconds
    client_ttl         = local.year_seconds
    request_coalescing = true
    negative_caching   = false # a file that is asked for a moment before it is uploaded must not stay missing
    serve_while_stale  = 86400
  }
}

# https://cloud.google.com/cdn/docs/configure-private-bucket-access: the bucket stays private.
resource "google_storage_bucket_iam_member" "assets" {
  bucket = var.assets_bucket
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:service-${var.project_number}@https-lb.iam.gserviceaccount.com"

  depends_on = [google_compute_backend_bucket.assets]
}

resource "google_compute_url_map" "this" {
  project         = var.project
  name            = "front-door"
  default_service = google_compute_backend_service.service[local.frontend].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "paths"
  }

  path_matcher {
    name            = "paths"
    default_service = google_compute_backend_service.service[local.frontend].id

    path_rule {
      paths   = ["/_next/static/*"]
      service = google_compute_backend_bucket.assets.id
    }

    dynamic "path_rule" {
      for_each = local.backends
      content {
        paths   = path_rule.value.paths
        service = google_compute_backend_service.service[path_rule.key].id
      }
    }
  }
}

resource "google_compute_url_map" "to_https" {
  project = var.project
  name    = "to-https"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_ssl_policy" "this" {
  project         = var.project
  name            = "front-door"
  profile         = "MODERN" # RESTRICTED would shut out old phones
  min_tls_version = "TLS_1_2"
}

resource "google_compute_managed_ssl_certificate" "this" {
  project = var.project
  name    = replace(var.domain, ".", "-")

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project
  name             = "front-door"
  url_map          = google_compute_url_map.this.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
  quic_override    = "ENABLE" # HTTP/3: one round trip less, and no stall of all streams on one lost packet
}

resource "google_compute_target_http_proxy" "to_https" {
  project = var.project
  name    = "to-https"
  url_map = google_compute_url_map.to_https.id
}

resource "google_compute_global_address" "this" {
  for_each = toset(["IPV4", "IPV6"])

  project    = var.project
  name       = "front-door-${lower(each.value)}"
  ip_version = each.value
}

resource "google_compute_global_forwarding_rule" "https" {
  for_each = google_compute_global_address.this

  project               = var.project
  name                  = "https-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}

resource "google_compute_global_forwarding_rule" "http" {
  for_each = google_compute_global_address.this

  project               = var.project
  name                  = "http-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.to_https.id
}

output "addresses" {
  description = "What the domain's A and AAAA records must say."
  value       = { for version, row in google_compute_global_address.this : version => row.address }
}
