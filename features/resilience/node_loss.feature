@resilience
Feature: The catalogue survives the loss of a node
  Machines lose their power and their network.
  The other zone goes on serving, and the node comes back into use by itself.

  Background:
    Given the catalog service is held at 2 replicas on as many nodes
    And so is the gateway service before it
    And one of them holds none of the shop's data

  @req-6.1 @req-6.2
  Rule: A node that is lost takes no customers with it

    Scenario: A node loses its power while customers come
      Given customers send 20 requests per second
      When that node is powered off
      Then all replicas are ready on other nodes within 120 seconds
      And at least 99% of the requests meanwhile succeed

    Scenario: A node loses its network while customers come
      Given customers send 20 requests per second
      When that node is cut off from the network
      Then all replicas are ready on other nodes within 120 seconds
      And at least 99% of the requests meanwhile succeed

  @req-6.1
  Rule: A node that is back is used again

    Scenario: The power comes back
      Given it was powered off and the cluster has noticed
      When its power comes back
      Then the node is ready within 60 seconds
      And a pod on it finds a service by its name

    Scenario: The network comes back
      Given it was cut off from the network and the cluster has noticed
      When its network comes back
      Then the node is ready within 60 seconds
      And a pod on it finds a service by its name
