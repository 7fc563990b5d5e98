@scaling
Feature: Services grow and shrink with their load
  A rush must not be turned away, and idle machines must not be paid for.

  @req-5.1
  Rule: The catalogue scales on CPU

    Scenario: A rush of customers comes and goes
      Given the catalog autoscaler rests at its fewest replicas
      When a rush of 40 requests per second comes and goes
      Then the autoscaler says that it was for their cpu
      And replicas were added meanwhile, and removed again within 180 seconds
