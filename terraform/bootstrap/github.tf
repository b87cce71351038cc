# What GitHub's workflows may do: push to the registry from dev's, add a tag from the next one's, and send commands.

module "github" {
  source = "../modules/github_oidc"

  project        = local.registry.project.id
  project_number = local.registry.project.number
  owner_id       = local.github.owner_id
  repository_id  = local.github.repository_id

  accounts = merge(
    { pusher = { project = local.registry.project.id, purpose = "Pushes images of main", environment = "dev" } },
    {
      for name in ["staging", "production"] : "promoter-${name}" => {
        project     = local.registry.project.id
        purpose     = "Tags a digest for ${name}"
        environment = name
      }
    },
    {
      for name, environment in local.environments : "operator-${name}" => {
        project     = environment.project.id
        purpose     = "Sends commands to ${name}"
        environment = name
      }
    },
  )

  depends_on = [google_project_service.registry, google_project_service.environment]
}

# Tags are immutable: whoever may write can add images and tags, and can move none.
resource "google_artifact_registry_repository_iam_member" "github" {
  for_each = toset(["pusher", "promoter-staging", "promoter-production"])

  project    = local.registry.project.id
  location   = local.registry.region
  repository = module.registry.repository
  role       = "roles/artifactregistry.writer"
  member     = module.github.members[each.value]
}

# New files only: uploads never overwrite.
resource "google_storage_bucket_iam_member" "pusher" {
  for_each = toset(["roles/storage.objectCreator", "roles/storage.objectViewer"])

  bucket = module.assets.name
  role   = each.value
  member = module.github.members.pusher
}

output "github_variables" {
  description = "What each GitHub environment's variables must be; the workflows read them."
  value = {
    for name, environment in local.environments : name => {
      ASSETS_BUCKET              = module.environment[name].buckets.assets
      OPERATOR                   = module.github.emails["operator-${name}"]
      PROJECT                    = environment.project.id
      PROMOTER                   = try(module.github.emails["promoter-${name}"], "")
      PUSHER                     = name == "dev" ? module.github.emails.pusher : ""
      REGION                     = environment.regions.serving
      REGISTRY                   = module.registry.path
      REGISTRY_HOST              = module.registry.host
      WORKLOAD_IDENTITY_PROVIDER = module.github.provider
    }
  }
}
