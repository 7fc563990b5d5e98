@scaling
Feature: Maintenance keeps a floor of replicas
  Nodes are drained for updates in the middle of the day;
  a service must not be emptied by it.

  @req-5.2
  Rule: A drained node leaves the service standing

    Background:
      Given the catalog service is ready on 2 nodes
      And so is the gateway service before it
      And one of them holds none of the shop's data

    Scenario: A node is drained while customers come
      Given customers send 20 requests per second
      When that node is drained
      Then at least 1 replica was ready at all times
      And all replicas are ready on other nodes within 120 seconds
      And at least 99.5% of the requests meanwhile succeed

  @req-5.2
  Rule: The disruption budget refuses what would go below the floor

    Background:
      Given the catalog service runs with 2 ready replicas

    @permitted
    Scenario: One replica may leave
      When one replica is asked to leave
      Then it may leave

    @refusal
    Scenario: All replicas may not leave at once
      When all replicas are asked to leave at once
      Then not all may leave
