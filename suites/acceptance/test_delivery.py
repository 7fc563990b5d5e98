from pytest_bdd import scenarios

scenarios("../../features/delivery/rollout.feature")
scenarios("../../features/delivery/images.feature")
