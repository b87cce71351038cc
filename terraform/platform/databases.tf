# The databases, and where their exports lie: first beside them, then locked in another region.

resource "google_compute_global_address" "databases" {
  project       = local.project
  name          = "databases"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.30.0.0"
  prefix_length = 20
  network       = google_compute_network.this.id
}

resource "google_service_networking_connection" "databases" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.databases.name]
}

module "database" {
  source   = "../modules/database"
  for_each = local.whole.databases

  project             = local.project
  region              = local.serving
  name                = each.key
  settings            = each.value
  network             = google_compute_network.this.id
  deletion_protection = local.whole.protection.deletion
  encryption_key      = local.key.serving
  backup_location     = local.whole.regions.backups
  exports_bucket      = module.exports.name

  depends_on = [google_service_networking_connection.databases]
}

# Where an export lands before it is read to its end; a good one is copied, a bad one expires.
module "exports" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.exports
  location       = local.serving
  encryption_key = local.key.serving
  expire_days    = 7
}

# Verified exports alone. Locked, so that nobody, a function of ours included, can shorten their life.
module "backups" {
  source = "../modules/bucket"

  project        = local.project
  name           = local.buckets.backups
  location       = local.whole.regions.backups
  encryption_key = local.key.backups
  retention = {
    days   = max([for database in local.whole.databases : database.backups.export_days]...)
    locked = local.whole.protection.ledger_locked
  }
  expire_days = 1 + max([for database in local.whole.databases : database.backups.export_days]...)
}

module "database_down" {
  source   = "../modules/alert"
  for_each = module.database

  project  = local.project
  place    = local.place
  name     = "DatabaseDown"
  subject  = each.key
  severity = "CRITICAL"
  channels = local.people

  thresholds = [{
    name    = "it does not answer"
    filter  = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${local.project}:${each.key}\" AND metric.type=\"cloudsql.googleapis.com/database/up\""
    below   = 1
    seconds = 120
    aligner = "ALIGN_MAX"
    missing = "EVALUATION_MISSING_DATA_ACTIVE"
  }]
}

module "database_strained" {
  source   = "../modules/alert"
  for_each = module.database

  project  = local.project
  place    = local.place
  name     = "DatabaseStrained"
  subject  = each.key
  severity = "WARNING"
  channels = local.people

  thresholds = [
    {
      name      = "CPU"
      filter    = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${local.project}:${each.key}\" AND metric.type=\"cloudsql.googleapis.com/database/cpu/utilization\""
      above     = local.whole.alerts.database_cpu_percent / 100
      seconds   = 900
      alignment = 300
      aligner   = "ALIGN_MEAN"
    },
    {
      name      = "disk"
      filter    = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${local.project}:${each.key}\" AND metric.type=\"cloudsql.googleapis.com/database/disk/utilization\""
      above     = local.whole.alerts.database_disk_percent / 100
      alignment = 300
    },
    {
      name      = "connections"
      filter    = "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${local.project}:${each.key}\" AND metric.type=\"cloudsql.googleapis.com/database/postgresql/num_backends\""
      above     = local.whole.databases[each.key].connections_max * local.whole.alerts.database_connections_percent / 100
      seconds   = 300
      alignment = 60
      reducer   = "REDUCE_SUM" # it is counted by database, and the limit is the instance's
    },
  ]
}
