# The images lie in the registry's project, which bootstrap/ makes; this environment may read them.

resource "google_artifact_registry_repository_iam_member" "cloud_run" {
  project    = local.registry.project.id
  location   = local.registry.region
  repository = local.registry.repository
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
}
