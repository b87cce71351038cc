# Who asks what an image can show at the gate: its files, where it was built, what is known against it.
# The bucket and the note are the registry's: bootstrap/ makes them.

locals {
  asking = { canary_deploy = module.canary_deploy.member, health_verify = module.health_verify.member }
}

resource "google_storage_bucket_iam_member" "assets" {
  for_each = local.asking

  bucket = local.buckets.assets
  role   = "roles/storage.objectViewer" # a role of ours would be one of another project
  member = each.value
}

# What is known against an image belongs to its project; there is no narrower place to grant this.
resource "google_project_iam_member" "occurrences" {
  for_each = local.asking

  project = local.registry.project.id
  role    = "roles/containeranalysis.occurrences.viewer"
  member  = each.value
}

resource "google_container_analysis_note_iam_member" "attestations" {
  for_each = local.asking

  project = local.registry.project.id
  note    = module.configuration.note_id
  role    = "roles/containeranalysis.notes.occurrences.viewer"
  member  = each.value
}
