from pytest_bdd import scenarios

scenarios("../../features/data/migrations.feature")
scenarios("../../features/data/volumes.feature")
scenarios("../../features/data/cache.feature")
scenarios("../../features/data/orders.feature")
