output "alert" {
  description = "The name of its alert."
  value       = module.failing.name
}

output "email" {
  description = "The function's own account."
  value       = google_service_account.function.email
}

output "member" {
  description = "The function's own account, as IAM names it."
  value       = google_service_account.function.member
}

output "name" {
  description = "Its name on Cloud Run."
  value       = local.run_name
}

output "subscriptions" {
  description = "The subscriptions that call it."
  value       = sort(keys(var.subscriptions))
}
