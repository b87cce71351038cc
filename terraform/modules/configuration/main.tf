# An environment as its two files say it: environment.yaml laid over common.yaml, key by key; lists are replaced.
# scripts/configuration does the same in Python, and tests/configuration holds the two together.

variable "environment" {
  description = "The environment's directory below terraform/environments."
  type        = string
}

locals {
  _directory = "${path.module}/../../environments"
  _common    = yamldecode(file("${local._directory}/common.yaml"))
  _own       = yamldecode(file("${local._directory}/${var.environment}/environment.yaml"))

  # `merge` fails on what is no mapping, and `try` then takes the upper value, or the lower where there is none.
  # Terraform has no recursion: each step below goes one key deeper, down to the limits of one page in
  # services.frontend.connectivity.budgets, as deep as anything is declared; tests/configuration lays an override over
  # every mapping there is.
  whole = {
    for a in setunion(keys(local._common), keys(local._own)) : a => try(
      {
        for b in setunion(keys(try(local._common[a], {})), keys(try(local._own[a], {}))) : b => try(
          {
            for c in setunion(keys(try(local._common[a][b], {})), keys(try(local._own[a][b], {}))) : c => try(
              {
                for d in setunion(keys(try(local._common[a][b][c], {})), keys(try(local._own[a][b][c], {}))) : d => try(
                  {
                    for e in setunion(keys(try(local._common[a][b][c][d], {})), keys(try(local._own[a][b][c][d], {}))) : e => try(
                      merge(local._common[a][b][c][d][e], local._own[a][b][c][d][e]),
                      local._own[a][b][c][d][e], local._common[a][b][c][d][e]
                    )
                  },
                  local._own[a][b][c][d], local._common[a][b][c][d]
                )
              },
              local._own[a][b][c], local._common[a][b][c]
            )
          },
          local._own[a][b], local._common[a][b]
        )
      },
      local._own[a], local._common[a]
    )
  }

  _registry = local.whole.registry

  # What a service's image is called everywhere, without a tag.
  images = {
    for name, service in local.whole.services :
    name => "${local._registry.region}-docker.pkg.dev/${local._registry.project.id}/${local._registry.repository}/${service.image}"
  }

  buckets = {
    ledger  = "${local.whole.project.id}-ledger"
    control = "${local.whole.project.id}-control"
    zips    = "${local.whole.project.id}-function-zips"
    assets  = "${local._registry.project.id}-assets" # one for all: a promotion moves an image, not its files
    exports = "${local.whole.project.id}-exports"
    backups = "${local.whole.project.id}-backups"
    drills  = "${local.whole.project.id}-drills"
  }

  # What hangs on it says that the pipeline built an image; bootstrap/ makes it.
  note_id = "built-by-pipeline"
  note    = "projects/${local._registry.project.id}/notes/${local.note_id}"

  _databases = { for name, database in local.whole.databases : name => database.backups }

  # What the backup functions are told; each instance holds the database of its own name.
  backups = {
    for key in length(local._databases) == 0 ? [] : ["backups"] : key => {
      bucket        = local.buckets.exports
      locked_bucket = local.buckets.backups
      drill_bucket  = local.buckets.drills
      instances     = { for name in keys(local._databases) : name => [name] }
      databases = {
        for name, row in local._databases : "${name}/${name}" => {
          append_only            = row.append_only
          volatile               = row.volatile
          retired                = row.retired
          extensions             = row.extensions
          age_max_seconds        = 3600 * row.verified_age_hours_max
          log_days               = row.point_in_time_days
          newest_row             = row.newest_row
          checks                 = row.checks
          recovery_point_seconds = 3600 * row.recovery_point_hours_max
          recovery_time_seconds  = 60 * row.recovery_minutes_max
        }
      }
    }
  }

  # The functions' part, DELIVERY_ENVIRONMENT: only the fields their own loader knows.
  functions = merge(local.backups, {
    name           = local.whole.name
    project        = local.whole.project.id
    region         = local.whole.regions.serving
    ledger_bucket  = local.buckets.ledger
    control_bucket = local.buckets.control
    services = {
      for name, service in local.whole.services : name => merge(
        { image = local.images[name] },
        { for key in ["deploy_tags", "deploys_on", "probe_paths", "probe_expects", "connectivity", "strategy"] : key => service[key] if can(service[key]) },
        { for key in service.assets ? ["assets_bucket"] : [] : key => local.buckets.assets },
        { for key in can(service.supply) ? ["supply"] : [] : key => merge(service.supply, { note = local.note }) },
        { for key in service.database == "" ? [] : ["database"] : key => "${service.database}/${service.database}" },
        {
          for key in service.database == "" ? [] : ["backup_age_max_seconds"] :
          key => 3600 * local._databases[service.database].release_age_hours_max
        },
      )
    }
  })
}

output "buckets" {
  description = "The name of every bucket, by what it holds."
  value       = local.buckets
}

output "functions" {
  description = "The JSON of DELIVERY_ENVIRONMENT."
  value       = jsonencode(local.functions)
}

output "images" {
  description = "Each service's image without a tag."
  value       = local.images
}

output "note_id" {
  description = "The note that the pipeline hangs its attestations on, in the registry's project."
  value       = local.note_id
}

output "whole" {
  description = "The environment's configuration."
  value       = local.whole
}
