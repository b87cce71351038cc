# Addresses, certificate and paths.

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
