# One network: services leave through it to their database, and health_verify reaches them from inside.

resource "google_compute_network" "this" {
  project                 = local.project
  name                    = "delivery"
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

resource "google_compute_subnetwork" "serving" {
  project                  = local.project
  name                     = "serving"
  region                   = local.serving
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.10.0.0/20" # an instance takes one address, and a rollout runs two revisions
  private_ip_google_access = true
}

resource "google_compute_subnetwork" "automation" {
  project                  = local.project
  name                     = "automation"
  region                   = local.automation
  network                  = google_compute_network.this.id
  ip_cidr_range            = "10.20.0.0/24"
  private_ip_google_access = true # how the tagged URLs and Google's APIs are reached without leaving the network
}
