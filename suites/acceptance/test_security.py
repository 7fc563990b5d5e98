from pytest_bdd import scenarios

scenarios("../../features/security/network_policy.feature")
scenarios("../../features/security/pod_security.feature")
scenarios("../../features/security/secrets_at_rest.feature")
scenarios("../../features/security/service_accounts.feature")
scenarios("../../features/security/cloud_rights.feature")
scenarios("../../features/security/cloud_keys.feature")
