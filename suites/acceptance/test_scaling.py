from pytest_bdd import scenarios

scenarios("../../features/scaling/cpu.feature")
scenarios("../../features/scaling/disruption.feature")
scenarios("../../features/scaling/memory.feature")
scenarios("../../features/scaling/sizing.feature")
scenarios("../../features/scaling/load.feature")
