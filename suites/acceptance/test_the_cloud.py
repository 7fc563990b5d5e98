"""The scenarios about platforms in an account: last, since what they need is built beside all others."""

from pytest_bdd import scenarios

scenarios("../../features/infrastructure/costs.feature")
scenarios("../../features/infrastructure/from_code.feature")
scenarios("../../features/infrastructure/managed_cluster.feature")
scenarios("../../features/infrastructure/managed_data.feature")
scenarios("../../features/infrastructure/network_from_code.feature")
