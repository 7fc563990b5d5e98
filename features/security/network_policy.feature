@security
Feature: Only its own service reaches the database
  CIS Kubernetes Benchmark 5.3.2: every namespace has network policies.
  A stranger who got into the cluster must not get to the data.

  Background:
    Given network policy is enforced

  @req-8.3
  Rule: The database takes connections from the catalogue alone

    @permitted
    Scenario: The catalogue reaches the database
      Given a pod of the catalog service
      When it connects to the database
      Then the connection is made

    @refusal
    Scenario: A stranger from elsewhere does not
      Given a stranger from elsewhere
      When it connects to the database
      Then no connection is made

    @refusal
    Scenario: A stranger next door does not
      Given a stranger beside the database
      When it connects to the database
      Then no connection is made
