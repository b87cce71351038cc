# A backend may serve from several regions behind one door.

mock_provider "google" {}

variables {
  project        = "project"
  project_number = "100000000010"
  domain         = "chat.example"
  assets_bucket  = "assets"
  services = {
    frontend = { kind = "frontend", paths = [], regions = ["africa-south1", "europe-west1"] }
    backend  = { kind = "backend", paths = ["/api/*"], regions = ["africa-south1", "europe-west1"] }
  }
}

run "each_region_is_a_backend_of_each_service" {
  command = apply

  assert {
    condition = {
      for key, group in google_compute_region_network_endpoint_group.service : key => [group.region, group.cloud_run[0].service]
      } == {
      backend-africa-south1  = ["africa-south1", "backend"]
      backend-europe-west1   = ["europe-west1", "backend"]
      frontend-africa-south1 = ["africa-south1", "frontend"]
      frontend-europe-west1  = ["europe-west1", "frontend"]
    }
    error_message = "A group for every service in every region."
  }

  assert {
    condition     = alltrue([for service in google_compute_backend_service.service : length(service.backend) == 2])
    error_message = "Both regions answer, the nearer first."
  }
}

run "google_compresses_where_the_cdn_is" {
  command = apply

  assert {
    condition = alltrue([
      for service in google_compute_backend_service.service : (service.compression_mode == "AUTOMATIC") == service.enable_cdn
    ])
    error_message = "Without Cloud CDN the setting does nothing."
  }
}
