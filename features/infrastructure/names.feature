@infrastructure
Feature: Services find each other by name
  Pods come and go and change their addresses,
  so services rely on names, wherever they run.

  Background:
    Given a service called greeter on one worker
    And a customer of it on another worker

  @req-2.5
  Rule: A name leads to the service that has it, on whatever node

    Scenario: A service on another node is called by its name
      When the customer calls greeter by name
      Then the call is answered

    Scenario: A name that nobody has is not known
      When the customer calls nobody by name
      Then the name is not known
