from pytest_bdd import scenarios

scenarios("../../features/delivery/rollout.feature")
