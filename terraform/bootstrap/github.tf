# What GitHub's workflows may do: push to the registry from dev's, add a tag from the next one's, and send commands.

module "github" {
  source = "../modules/github_oidc"

  project        = local.registry.project.id
  project_number = local.registry.project.number
  owner_id       = local.github.owner_id
  repository_id  = local.github.repository_id

  accounts = merge(
    { pusher = { project = local.registry.project.id, purpose = "Pushes images of main", gates = ["main"] } },
    {
      for name in ["staging", "production"] : "promoter-${name}" => {
        project = local.registry.project.id
        purpose = "Tags a digest for ${name}"
        gates   = ["environment:${name}"]
      }
    },
    {
      for name, environment in local.environments : "operator-${name}" => {
        project = environment.project.id
        purpose = "Sends commands to ${name}"
        gates   = ["environment:${name}"]
      }
    },
    {
      for name, environment in local.environments : "planner-${name}" => {
        project = environment.project.id
        purpose = "Reads ${name}: plans, drift, rollouts"
        gates   = ["pull_request", "main"]
      }
    },
    {
      for name, environment in local.environments : "deployer-${name}" => {
        project = environment.project.id
        purpose = "Applies Terraform to ${name}"
        gates   = ["environment:${name}"]
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

# New files, and a later date for those that are there: without the right to delete, none is overwritten.
module "assets_uploader" {
  source = "../modules/role"

  project     = local.registry.project.id
  id          = "deliveryAssetsUploader"
  title       = "upload assets"
  description = "Adds objects and moves their custom time; overwrites and deletes none."
  permissions = ["storage.objects.create", "storage.objects.get", "storage.objects.list", "storage.objects.update"]
}

resource "google_storage_bucket_iam_member" "pusher" {
  bucket = module.assets.name
  role   = module.assets_uploader.id
  member = module.github.members.pusher
}

output "github" {
  description = "Each account's address and what signs them in; scripts/environments.py tells the workflows the same."
  value       = { accounts = module.github.emails, provider = module.github.provider }
}
