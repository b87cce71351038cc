# An image was pushed: Artifact Registry's messages become deploy requests.

module "image_pushed" {
  source = "../modules/function"

  name          = "image_pushed"
  description   = "Turns pushes of images into deploy requests."
  common        = local.functions
  subscriptions = { image-pushed = { topic = local.gcr } }
  access        = { publishes = { deploy_requests = module.deploy_requests.id } }
}
