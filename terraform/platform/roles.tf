# Roles of our own, each with the reason why Google's smallest would not do.

# Measuring needs no more; roles/run.viewer lists jobs and policies too.
module "service_reader" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryServiceReader"
  title       = "read services"
  description = "See a service, its revisions and its traffic."
  permissions = ["run.revisions.get", "run.services.get"]
}

# IAM cannot narrow an update to its traffic; roles/run.developer deletes as well.
module "service_mover" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryServiceMover"
  title       = "move services"
  description = "Change a service's image, traffic and record; create or delete none."
  permissions = ["run.revisions.get", "run.services.get", "run.services.update"]
}

# roles/monitoring.viewer reads policies, channels and dashboards too.
module "metric_reader" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryMetricReader"
  title       = "read metrics"
  description = "Read time series and what describes them."
  permissions = ["monitoring.metricDescriptors.get", "monitoring.timeSeries.list"]
}

# roles/storage.objectViewer reads folders and more.
module "object_reader" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryObjectReader"
  title       = "read the ledger and the freeze"
  description = "Read objects, and see which there are."
  permissions = ["storage.objects.get", "storage.objects.list"]
}

# No overwriting and no deleting, whatever the bucket's retention says.
module "ledger_writer" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryLedgerWriter"
  title       = "append to the ledger"
  description = "Create objects, and read what is there."
  permissions = ["storage.objects.create", "storage.objects.get", "storage.objects.list"]
}

# roles/cloudsql.viewer sees users and connection settings too.
module "sql_reader" {
  source = "../modules/role"

  project     = local.project
  id          = "deliverySqlReader"
  title       = "see databases"
  description = "See instances, their operations and their backups; nothing that is in them."
  permissions = ["cloudsql.backupRuns.list", "cloudsql.instances.get", "cloudsql.instances.list"]
}

# roles/cloudsql.editor changes and restarts instances as well.
module "sql_exporter" {
  source = "../modules/role"

  project     = local.project
  id          = "deliverySqlExporter"
  title       = "export databases"
  description = "Start an export of an instance; where to, its own account decides."
  permissions = ["cloudsql.instances.export"]
}

# Replacing an object takes the right to delete it.
module "freeze_keeper" {
  source = "../modules/role"

  project     = local.project
  id          = "deliveryFreezeKeeper"
  title       = "freeze and unfreeze"
  description = "Create and replace objects of the control bucket, and read them."
  permissions = ["storage.objects.create", "storage.objects.delete", "storage.objects.get"]
}
