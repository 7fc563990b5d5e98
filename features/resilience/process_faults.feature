@resilience
Feature: The catalogue survives faults of its processes and of its share of the machine
  Programs crash, hang, and have hungry neighbours.
  The platform has to notice, and the other replica serves meanwhile.

  Background:
    Given the catalog service is held at 2 replicas
    And one of its replicas
    And customers send 20 requests per second

  @req-6.1 @req-6.2
  Rule: A program that ends is started again within 30 seconds

    Scenario: It crashes
      Given all its replicas as they are now
      When its program crashes
      Then it runs again within 30 seconds
      And all replicas are ready within 30 seconds
      And all its replicas are still the same
      And at least 99% of the requests meanwhile succeed

  @req-6.1 @req-6.2
  Rule: A program that hangs is not asked any more, and serves again within 30 seconds of its end

    Scenario: It stands still
      When its processes stand still for 20 seconds
      Then it stood still meanwhile, and the platform noticed
      And all replicas are ready within 30 seconds of its end
      And at least 95% of the requests meanwhile succeed
      And nothing of the fault is left

  @req-6.1 @req-6.2
  Rule: A hungry neighbour costs no replica

    Scenario: The processor is used up
      When others use up its share of the processor for 15 seconds
      Then it was kept from the processor meanwhile
      And all replicas are ready within 30 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

    Scenario: Memory is used up
      When others use 64 mebibytes of its memory for 15 seconds
      Then at least 64 mebibytes more were held meanwhile
      And no replica was lost meanwhile
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left
