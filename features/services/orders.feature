@services
Feature: Customers order, and know where their order stands
  An order is a promise: what was ordered, and at which price, stays written down,
  and whoever waits is told of each change.

  Background:
    Given the shop is open
    And a product in the catalogue, of which there are 7 pieces at 1234 cents

  @req-2.4
  Rule: An order is confirmed exactly if its pieces are there

    @permitted
    Scenario: What is there can be ordered
      When a customer orders 2 pieces of it
      Then the order is confirmed within 20 seconds
      And 5 pieces are left

    @refusal
    Scenario: What is not there cannot
      When a customer orders 8 pieces of it
      Then the order is cancelled within 20 seconds, because of its stock
      And 7 pieces are left

  @req-2.4
  Rule: What was agreed stays

    Scenario: The price changes after the order
      Given a customer ordered 2 pieces of it
      When its price changes to 4321 cents
      Then the order still costs 2468 cents

  @req-2.4
  Rule: An order can be taken back until it is shipped, and its pieces with it

    @permitted
    Scenario: A confirmed order is taken back
      Given a customer ordered 3 pieces of it, and the order is confirmed
      When the order is taken back
      Then 7 pieces are left within 20 seconds
      And its history reads "pending, confirmed, cancelled"

    @refusal
    Scenario: A shipped order is not taken back
      Given a customer ordered 3 pieces of it, and the order is shipped
      When the order is taken back
      Then that is refused
      And its history reads "pending, confirmed, shipped"

  @req-2.4 @req-3.4
  Rule: Whoever waits is told of each change

    Scenario: A customer waits for the confirmation
      Given a customer ordered 1 piece of it
      When the customer waits to be told that it is confirmed
      Then the customer was told "pending, confirmed"

  @req-2.4
  Rule: Asking again does not order again

    Scenario: An order is sent a second time
      Given a customer ordered 1 piece of it
      When the same order is sent again
      Then the same order is shown again
      And the customer has 1 order

    Scenario: An order is sent 50 times at the same moment
      When the same order is sent 50 times at once
      Then no answer speaks of another order
      And the customer has 1 order
