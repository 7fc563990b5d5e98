@infrastructure
Feature: The cluster stands in two zones
  Each zone can be lost, so what matters runs in both;
  what runs the cluster and what runs the business stay apart.

  @req-1.1 @req-1.2
  Rule: Nodes for the system and for applications stand ready in different zones

    Scenario: All nodes are ready where they should be
      When the cluster is asked for its nodes
      Then every node is ready
      And the workers stand in at least 2 zones
      And there are workers for the system pool
      And there are workers for the application pool
