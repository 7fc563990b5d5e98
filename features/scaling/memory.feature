@scaling
Feature: Services grow and shrink with the memory they need
  What fills the memory is not what fills the processor: many customers with much in their hands, or a leak.
  A replica that is over its limit is killed with all that it was doing.

  @req-5.2 @req-5.3
  Rule: The catalogue scales on memory, and it is known why and how fast

    Scenario: Much has to be remembered, and is forgotten again
      Given the catalog autoscaler rests at its fewest replicas
      When the memory of its replicas fills and is given back
      Then the autoscaler says that it was for their memory
      And replicas were added meanwhile, and removed again within 180 seconds
      And it is known how long each part of growing and of shrinking took
      And the parts add up to what was seen from outside
