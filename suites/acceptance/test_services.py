from pytest_bdd import scenarios

scenarios("../../features/services/catalogue.feature")
scenarios("../../features/services/orders.feature")
scenarios("../../features/services/gateway.feature")
scenarios("../../features/services/degradation.feature")
scenarios("../../features/services/storefront.feature")
scenarios("../../features/services/metrics.feature")
