@resilience
Feature: Customers do not notice when a part of the cluster itself crashes
  What runs on a node does not need the cluster's own programs to go on.
  They are started again by themselves.

  Background:
    Given the catalog service is held at 2 replicas
    And all its replicas as they are now
    And customers send 20 requests per second

  @req-6.1 @req-6.2
  Rule: A program of a node runs again within 30 seconds, and its pods run on

    Scenario Outline: The <program> of a node crashes
      Given the node that one of its replicas is on
      When the <program> of that node is killed
      Then it runs again within 30 seconds
      And the node is still ready after 15 seconds
      And all its replicas are still the same
      And every request meanwhile succeeds

      Examples:
        | program           |
        | kubelet           |
        | container runtime |

  @req-6.1 @req-6.2
  Rule: A program of the control plane runs again within 60 seconds, and customers are served meanwhile

    Scenario Outline: The <program> crashes
      When the <program> of the control plane is killed
      Then it runs again within 60 seconds
      And the cluster answers again within 60 seconds
      And all its replicas are still the same
      And every request meanwhile succeeds

      Examples:
        | program    |
        | API server |
        | etcd       |
