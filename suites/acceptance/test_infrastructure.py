from pytest_bdd import scenarios

scenarios("../../features/infrastructure/cluster.feature")
scenarios("../../features/infrastructure/ingress.feature")
scenarios("../../features/infrastructure/metrics.feature")
scenarios("../../features/infrastructure/names.feature")
