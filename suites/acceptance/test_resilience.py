from pytest_bdd import scenarios

scenarios("../../features/resilience/certificate.feature")
scenarios("../../features/resilience/component_loss.feature")
scenarios("../../features/resilience/experiments.feature")
scenarios("../../features/resilience/network_faults.feature")
scenarios("../../features/resilience/node_loss.feature")
scenarios("../../features/resilience/pod_loss.feature")
scenarios("../../features/resilience/process_faults.feature")
