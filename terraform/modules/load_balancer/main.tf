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
  enable_cdn            = each.value.kind == "frontend"

  # Google compresses only what Cloud CDN hands out; answers of a backend are compressed by the backend itself or not at all.
  # https://cloud.google.com/cdn/docs/dynamic-compression
  compression_mode = each.value.kind == "frontend" ? "AUTOMATIC" : "DISABLED"

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
