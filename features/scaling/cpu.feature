@scaling
Feature: Services grow and shrink with their load
  A rush must not be turned away, and idle machines must not be paid for.

  @req-5.1 @req-5.3
  Rule: The catalogue scales on CPU, and it is known why and how fast

    Scenario: A rush of customers comes and goes
      Given the catalog autoscaler rests at its fewest replicas
      When a rush of 40 requests per second comes and goes
      Then the autoscaler says that it was for their cpu
      And replicas were added meanwhile, and removed again within 180 seconds
      And it is known how long each part of growing and of shrinking took
      And the parts add up to what was seen from outside
