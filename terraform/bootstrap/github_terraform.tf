# What GitHub's workflows may do with Terraform: anybody's pull request may plan, and only an environment's job may apply.

locals {
  # Each product by name, and no basic role: `roles/viewer` reads every bucket, and the databases' exports are in some.
  planner_roles = [
    "roles/artifactregistry.reader",
    "roles/cloudfunctions.viewer",
    "roles/cloudscheduler.viewer",
    "roles/cloudsql.viewer",
    "roles/compute.viewer",
    "roles/iam.securityReviewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
    "roles/secretmanager.viewer", # names and versions; the values are behind another role
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.bucketViewer",
  ]

  # Who may grant roles may grant itself any: what keeps the deployer in bounds is the GitHub environment it signs in from.
  deployer_roles = [
    "roles/artifactregistry.admin",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudsql.admin",
    "roles/compute.admin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/logging.admin",
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/servicenetworking.networksAdmin",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.admin",
  ]

  terraform_accounts = {
    for row in setproduct(keys(local.environments), ["planner", "deployer"]) :
    "${row[1]}-${row[0]}" => { environment = row[0], kind = row[1], project = local.environments[row[0]].project.id }
  }
}

resource "google_project_iam_member" "terraform" {
  for_each = merge([
    for account, row in local.terraform_accounts : {
      for role in row.kind == "planner" ? local.planner_roles : local.deployer_roles :
      "${account}/${trimprefix(role, "roles/")}" => { account = account, project = row.project, role = role }
    }
  ]...)

  project = each.value.project
  role    = each.value.role
  member  = module.github.members[each.value.account]
}

# What a plan compares and the drill report shows; no other bucket's objects.
resource "google_project_iam_member" "planner_objects" {
  for_each = local.environments

  project = each.value.project.id
  role    = "roles/storage.objectViewer"
  member  = module.github.members["planner-${each.key}"]

  condition {
    title = "zips, freeze and ledger"
    expression = join(" || ", [
      for bucket in ["zips", "control", "ledger"] :
      "resource.name.startsWith('projects/_/buckets/${module.environment[each.key].buckets[bucket]}/')"
    ])
  }
}

# Each environment's own state. A plan takes no lock, for it may not write one.
resource "google_storage_bucket_iam_member" "state" {
  for_each = local.terraform_accounts

  bucket = module.state.name
  role   = each.value.kind == "planner" ? "roles/storage.objectViewer" : "roles/storage.objectUser"
  member = module.github.members[each.key]

  condition {
    title = "the state of ${each.value.environment}"
    expression = join(" || ", [
      "resource.type == 'storage.googleapis.com/Bucket'",
      "resource.name.startsWith('projects/_/buckets/${module.state.name}/objects/environments/${each.value.environment}/')",
    ])
  }
}

# What an environment has in the registry's project: readers of the images and of the assets, subscriptions to its topics.
resource "google_artifact_registry_repository_iam_member" "terraform" {
  for_each = local.terraform_accounts

  project    = local.registry.project.id
  location   = local.registry.region
  repository = module.registry.repository
  role       = each.value.kind == "planner" ? "roles/artifactregistry.reader" : "roles/artifactregistry.admin"
  member     = module.github.members[each.key]
}

module "assets_grantor" {
  source = "../modules/role"

  project     = local.registry.project.id
  id          = "deliveryAssetsGrantor"
  title       = "say who reads assets"
  description = "Lets a load balancer read the assets' bucket; reads and writes no object."
  permissions = ["storage.buckets.get", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"]
}

resource "google_storage_bucket_iam_member" "terraform_assets" {
  for_each = { for account, row in local.terraform_accounts : account => row if row.kind == "deployer" }

  bucket = module.assets.name
  role   = module.assets_grantor.id
  member = module.github.members[each.key]
}

resource "google_project_iam_member" "terraform_registry" {
  for_each = local.terraform_accounts

  project = local.registry.project.id
  role    = each.value.kind == "planner" ? "roles/iam.securityReviewer" : "roles/pubsub.subscriber"
  member  = module.github.members[each.key]
}

# An environment's functions may ask what is known against an image; its deployer may grant them that and no more.
resource "google_project_iam_member" "terraform_occurrences" {
  for_each = { for account, row in local.terraform_accounts : account => row if row.kind == "deployer" }

  project = local.registry.project.id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = module.github.members[each.key]

  condition {
    title      = "readers of occurrences"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/containeranalysis.occurrences.viewer'])"
  }
}

module "note_grantor" {
  source = "../modules/role"

  project     = local.registry.project.id
  id          = "deliveryNoteGrantor"
  title       = "say who reads attestations"
  description = "Lets an environment's functions list a note's attestations; IAM cannot keep it from granting more on the note."
  permissions = ["containeranalysis.notes.get", "containeranalysis.notes.getIamPolicy", "containeranalysis.notes.setIamPolicy"]
}

resource "google_container_analysis_note_iam_member" "terraform" {
  for_each = { for account, row in local.terraform_accounts : account => row if row.kind == "deployer" }

  project = local.registry.project.id
  note    = google_container_analysis_note.built_by_pipeline.name
  role    = module.note_grantor.id
  member  = module.github.members[each.key]
}

resource "google_billing_account_iam_member" "terraform" {
  for_each = local.terraform_accounts

  billing_account_id = local.environments[each.value.environment].costs.billing_account
  role               = each.value.kind == "planner" ? "roles/billing.viewer" : "roles/billing.costsManager"
  member             = module.github.members[each.key]
}
