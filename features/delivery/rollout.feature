@delivery
Feature: A new release costs no customer
  Releases happen during business hours; a replica that is told to stop finishes what it began.

  @req-7.2
  Rule: Replacing every replica loses no request

    Scenario: All replicas are replaced while customers come
      Given the catalog service runs with 2 ready replicas
      And customers send 20 requests per second
      When all replicas are rolled out anew
      Then none of the old replicas is left
      And every request meanwhile succeeds
