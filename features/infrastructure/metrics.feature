@infrastructure
Feature: The cluster measures itself
  Scaling and diagnosis rest on numbers about CPU and memory;
  an interface that reports nothing is no interface.

  Background:
    Given the cluster has a metrics API

  @req-1.4
  Rule: The metrics API reports the use of every node

    Scenario: The use of all nodes is known
      When the metrics API is asked about the nodes
      Then it reports the use of every node
