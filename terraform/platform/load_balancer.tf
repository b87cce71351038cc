# How users reach the services. The bucket with every release's files is the registry's: bootstrap/ makes it.

module "load_balancer" {
  source = "../modules/load_balancer"

  project        = local.project
  project_number = local.number
  domain         = local.whole.domain
  assets_bucket  = local.buckets.assets
  services = {
    for name, service in local.whole.services :
    name => { kind = service.kind, paths = service.paths, regions = [local.serving] }
  }

  depends_on = [module.service]
}
