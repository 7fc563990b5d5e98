@security
Feature: A stolen disk tells no secrets
  CIS Kubernetes Benchmark 1.2.27 and 1.2.28: secrets are encrypted where the cluster keeps them.

  @req-3.2
  Rule: What the cluster keeps about a secret does not show it

    Scenario: A secret and a setting hold the same word
      Given a secret and a setting that hold the same word
      When the disk of the cluster's store is read
      Then the word stands there in the setting
      And the secret is there, and the word is not in it
