# With keys of our own (protection.encryption_keys) everything at rest is encrypted with the key of its region. The keys
# themselves are made outside, by people who may not read the data: terraform/README.md.

locals {
  # Whose data lies where, by place.
  _encrypted = {
    serving    = ["run", "secretmanager", "sqladmin", "storage"]
    automation = ["artifactregistry", "cloudfunctions", "pubsub", "run", "storage"]
    backups    = ["storage"]
  }
}

module "encryption" {
  source   = "../modules/encryption"
  for_each = toset(values(local.whole.regions))

  project        = local.project
  project_number = local.number
  key            = lookup(local.whole.protection.encryption_keys, each.value, "")
  services       = flatten([for place, region in local.whole.regions : local._encrypted[place] if region == each.value])
}

locals {
  # A key encrypts what lies in its own region; "" is Google's key.
  key = { for place, region in local.whole.regions : place => module.encryption[region].key }
}
