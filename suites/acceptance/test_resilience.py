from pytest_bdd import scenarios

scenarios("../../features/resilience/node_loss.feature")
scenarios("../../features/resilience/pod_loss.feature")
