# A dashboard of rows: each row shares the width among its tiles, and rows stand below one another.

terraform {
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.46"
    }
  }
}

variable "name" {
  description = "What the console lists it as."
  type        = string
}

variable "project" {
  description = "The project's id."
  type        = string
}

variable "rows" {
  description = "What stands beside what. A tile holds one of: `series` as a chart or, with `number`, as its newest value; `logs` (a filter); `incidents`; `text` (Markdown)."
  type = list(object({
    height = optional(number, 14)
    tiles = list(object({
      title     = string
      text      = optional(string)
      logs      = optional(string)
      incidents = optional(bool, false)
      number    = optional(object({ red_below = number }))
      plot      = optional(string, "LINE")
      series = optional(object({
        filter  = string
        aligner = string
        reducer = optional(string, "REDUCE_NONE")
        groups  = optional(list(string), [])
        seconds = optional(number, 60)
      }))
    }))
  }))

  validation {
    condition = alltrue(flatten([
      for row in var.rows : [
        for tile in row.tiles : length([
          for what in [tile.text != null, tile.logs != null, tile.incidents, tile.series != null] : what if what
        ]) == 1
      ]
    ]))
    error_message = "A tile holds one thing."
  }
}

locals {
  columns = 48

  tiles = flatten([
    for index, row in var.rows : [
      for place, tile in row.tiles : {
        xPos   = place * floor(local.columns / length(row.tiles))
        yPos   = sum(concat([0], [for above in slice(var.rows, 0, index) : above.height]))
        width  = floor(local.columns / length(row.tiles))
        height = row.height

        # What a tile does not hold is left out: the API takes one kind of content and no null.
        widget = merge(
          { title = tile.title },
          { for what in tile.text == null ? [] : ["text"] : what => { content = tile.text, format = "MARKDOWN" } },
          { for what in tile.incidents ? ["incidentList"] : [] : what => {} },
          {
            for what in tile.logs == null ? [] : ["logsPanel"] :
            what => { filter = tile.logs, resourceNames = ["projects/${var.project}"] }
          },
          {
            for what in tile.series == null || tile.number != null ? [] : ["xyChart"] :
            what => { dataSets = [{ plotType = tile.plot, timeSeriesQuery = local.queries["${index}/${place}"] }] }
          },
          {
            for what in tile.number == null ? [] : ["scorecard"] : what => {
              timeSeriesQuery = local.queries["${index}/${place}"]
              sparkChartView  = { sparkChartType = "SPARK_LINE" }
              thresholds      = [{ value = tile.number.red_below, color = "RED", direction = "BELOW" }]
            }
          },
        )
      }
    ]
  ])

  queries = merge([
    for index, row in var.rows : {
      for place, tile in row.tiles : "${index}/${place}" => {
        timeSeriesFilter = {
          filter = tile.series.filter
          aggregation = {
            alignmentPeriod    = "${tile.series.seconds}s"
            perSeriesAligner   = tile.series.aligner
            crossSeriesReducer = tile.series.reducer
            groupByFields      = tile.series.groups
          }
        }
      } if tile.series != null
    }
  ]...)
}

resource "google_monitoring_dashboard" "this" {
  project = var.project

  dashboard_json = jsonencode({
    displayName  = var.name
    mosaicLayout = { columns = local.columns, tiles = local.tiles }
  })
}
