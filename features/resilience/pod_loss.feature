@resilience
Feature: The catalogue survives the loss of a pod
  Kubernetes replaces a lost replica and routes around it meanwhile,
  so customers should notice nothing.

  @req-6.1 @req-6.2
  Rule: A lost replica is replaced within 30 seconds

    Scenario: One replica is killed while customers come
      Given the catalog service is held at 2 replicas
      And customers send 20 requests per second
      When one replica is killed
      Then it is replaced within 30 seconds
      And at least 99.5% of the requests meanwhile succeed
