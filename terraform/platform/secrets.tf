# Secrets by name. Their values are put in by people: no version, and so no value, is ever in Terraform's state.

resource "google_secret_manager_secret" "this" {
  for_each = toset(flatten([for service in local.whole.services : [for row in service.secrets : row.secret]]))

  project   = local.project
  secret_id = each.value

  replication {
    user_managed {
      replicas {
        location = local.serving

        dynamic "customer_managed_encryption" {
          for_each = local.key.serving == "" ? [] : [local.key.serving]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
}
