# Who sends commands sees what became of them: the services, their traffic and their records.

resource "google_cloud_run_v2_service_iam_member" "operators" {
  for_each = {
    for pair in setproduct(keys(local.targets), local.whole.operators) : "${pair[0]} ${pair[1]}" => {
      service  = pair[0]
      operator = pair[1]
    }
  }

  project  = local.targets[each.value.service].project
  location = local.targets[each.value.service].region
  name     = each.value.service
  role     = module.service_reader.id
  member   = each.value.operator
}
