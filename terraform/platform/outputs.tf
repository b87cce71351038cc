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
  value = {
    for name, function in {
      image_pushed    = module.image_pushed
      build_finished  = module.build_finished
      canary_deploy   = module.canary_deploy
      health_verify   = module.health_verify
      traffic_shift   = module.traffic_shift
      auto_rollback   = module.auto_rollback
      rollout_command = module.rollout_command
      notify          = module.notify
      sql_backup      = module.sql_backup
      backup_verify   = module.backup_verify
    } : name => function
  }
}
