from pytest_bdd import scenarios

scenarios("../../features/observability/objectives.feature")
