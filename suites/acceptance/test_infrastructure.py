from pytest_bdd import scenarios

scenarios("../../features/infrastructure/cluster.feature")
scenarios("../../features/infrastructure/ingress.feature")
scenarios("../../features/infrastructure/metrics.feature")
scenarios("../../features/infrastructure/names.feature")
scenarios("../../features/infrastructure/costs.feature")
scenarios("../../features/infrastructure/from_code.feature")
scenarios("../../features/infrastructure/managed_cluster.feature")
scenarios("../../features/infrastructure/managed_data.feature")
scenarios("../../features/infrastructure/network_from_code.feature")
