@resilience
Feature: Experiments keep to what they declare
  An experiment says what must hold meanwhile and how far it may go.
  What breaks the steady state is undone at once, by itself.

  Background:
    Given the catalog service is held at 2 replicas

  @req-6.3
  Rule: A fault that breaks the steady state is rolled back by itself

    Scenario: A replica stands still although none may
      Given the experiment "One replica of the catalogue stands still although none may"
      When it is run
      Then it was broken off and all was undone within 60 seconds
      And nothing of the fault is left
      And all replicas are ready within 30 seconds

    Scenario: A replica is late, which may be
      Given the experiment "One replica of the catalogue answers late"
      When it is run
      Then the steady state held all the time
      And nothing of the fault is left

  @req-6.1 @req-6.2
  Rule: A release that cannot start takes nobody with it

    Scenario: New replicas have an image that nobody has
      Given the experiment "New replicas of the catalogue cannot start"
      And all its replicas as they are now
      When it is run
      Then the steady state held all the time
      And nothing of the fault is left
      And all its replicas are still the same

  @req-6.1
  Rule: An experiment touches no more than it declares

    @refusal
    Scenario: All replicas are to be killed where half of them may be
      Given the experiment "One replica of the catalogue is killed"
      And all its replicas as they are now
      When it is run on 2 of them
      Then it is refused, because it would touch more than it declares
      And all its replicas are still the same

    @permitted
    Scenario: Half of the replicas is killed where half of them may be
      Given the experiment "One replica of the catalogue is killed"
      And all its replicas as they are now
      When it is run on 1 of them
      Then it is not refused
      And one of its replicas is another one
