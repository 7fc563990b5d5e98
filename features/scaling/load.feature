@scaling
Feature: The shop carries its customers
  Customers come when they like, not when the shop has time for them:
  what each of them waits counts from the moment they came.

  Background:
    Given the shop is open
    And it has plenty of what customers order

  @req-5.4
  Rule: Usual, sudden and lasting load keeps the limits that were agreed

    @permitted
    Scenario: A usual day
      When customers come as on a usual day
      Then the agreed limits are kept

    Scenario: Many come all at once, and leave again
      When customers come all at once, and leave again
      Then the agreed limits are kept

    Scenario: They come for long
      When customers come for long
      Then the agreed limits are kept

    @refusal
    Scenario: A shop that loses a service does not keep them
      When the orders service goes away while customers come
      Then the agreed limits are not kept

    Scenario: A sender that stood still proves nothing
      When the sender is held up for 2 seconds while customers come
      Then nobody can say whether the agreed limits are kept

  @req-5.4
  Rule: It is known how much the shop can carry

    Scenario: More and more come, until it can carry no more
      When customers come in ever greater numbers
      Then at least 20 requests per second were carried
