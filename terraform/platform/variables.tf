variable "environment" {
  description = "The environment's directory below terraform/environments."
  type        = string
}

variable "zips" {
  description = "Where scripts/package_functions.py has put the functions' zips."
  type        = string
}
