output "configuration" {
  description = "What the environment's files say, as the functions and Terraform understand it."
  value = {
    whole     = module.configuration.whole
    functions = module.configuration.functions
  }
}

output "addresses" {
  description = "What the domain's A and AAAA records must say."
  value       = module.load_balancer.addresses
}

output "functions" {
  description = "Each function's name on Cloud Run, its account, its subscriptions and its alert."
  value       = local.deployed
}
