# Who may say that our pipeline built an image: whoever can hang something on this note. Binary Authorization reads the
# same attestations, where it is switched on, and checks the signature too.

resource "google_kms_key_ring" "pipeline" {
  project  = local.registry.project.id
  name     = "pipeline"
  location = local.registry.region

  depends_on = [google_project_service.registry]
}

resource "google_kms_crypto_key" "attestations" {
  name     = "attestations"
  key_ring = google_kms_key_ring.pipeline.id
  purpose  = "ASYMMETRIC_SIGN"

  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

data "google_kms_crypto_key_version" "attestations" {
  crypto_key = google_kms_crypto_key.attestations.id
}

resource "google_container_analysis_note" "built_by_pipeline" {
  project           = local.registry.project.id
  name              = module.environment["dev"].note_id
  short_description = "Our pipeline built this image from main"

  attestation_authority {
    hint {
      human_readable_name = "The delivery pipeline"
    }
  }

  depends_on = [google_project_service.registry]
}

resource "google_binary_authorization_attestor" "built_by_pipeline" {
  project     = local.registry.project.id
  name        = google_container_analysis_note.built_by_pipeline.name
  description = "Images that our pipeline built from main"

  attestation_authority_note {
    note_reference = google_container_analysis_note.built_by_pipeline.name

    dynamic "public_keys" {
      for_each = data.google_kms_crypto_key_version.attestations.public_key
      content {
        id = data.google_kms_crypto_key_version.attestations.id

        pkix_public_key {
          public_key_pem      = public_keys.value.pem
          signature_algorithm = public_keys.value.algorithm
        }
      }
    }
  }
}

output "attestation" {
  description = "What the pipeline signs with and for: arguments of `gcloud container binauthz attestations sign-and-create`."
  value = {
    attestor   = google_binary_authorization_attestor.built_by_pipeline.id
    keyversion = data.google_kms_crypto_key_version.attestations.id
  }
}

# The pusher alone: not those who promote, and nobody who merely writes to the registry.
resource "google_container_analysis_note_iam_member" "pusher" {
  project = local.registry.project.id
  note    = google_container_analysis_note.built_by_pipeline.name
  role    = "roles/containeranalysis.notes.attacher"
  member  = module.github.members.pusher
}

resource "google_binary_authorization_attestor_iam_member" "pusher" {
  project  = local.registry.project.id
  attestor = google_binary_authorization_attestor.built_by_pipeline.name
  role     = "roles/binaryauthorization.attestorsViewer"
  member   = module.github.members.pusher
}

resource "google_kms_crypto_key_iam_member" "pusher" {
  crypto_key_id = google_kms_crypto_key.attestations.id
  role          = "roles/cloudkms.signerVerifier"
  member        = module.github.members.pusher
}

# roles/containeranalysis.occurrences.editor could delete what the scan found.
module "attester" {
  source = "../modules/role"

  project     = local.registry.project.id
  id          = "deliveryAttester"
  title       = "write attestations"
  description = "Create occurrences; which notes they may hang on, the notes say."
  permissions = ["containeranalysis.occurrences.create"]
}

resource "google_project_iam_member" "attester" {
  project = local.registry.project.id
  role    = module.attester.id
  member  = module.github.members.pusher
}
