@data
Feature: No order is lost, and none is doubled
  An order that was acknowledged is a promise, whatever breaks while it is made.

  Background:
    Given the shop is open
    And customers place 10 orders per second, and ask again until they are answered

  @req-2.4 @req-6.1 @req-6.2
  Rule: What was acknowledged is there, once, as it was acknowledged

    Scenario: Replicas are killed while customers order
      When one replica each of the orders, orders-relay, orders-worker and gateway services is killed
      Then 150 orders and more are acknowledged
      And each of them is there, once, and nothing else is

    Scenario: The message store is killed while customers order
      When the message store is killed
      Then 150 orders and more are acknowledged
      And each of them is there, once, and nothing else is

    Scenario: The database is killed while customers order
      When the database is killed
      Then 150 orders and more are acknowledged
      And each of them is there, once, and nothing else is

  @req-2.4 @req-7.2
  Rule: A release of the order service costs no order

    Scenario: All replicas are replaced while customers order
      When all replicas of the orders service are rolled out anew
      Then 150 orders and more are acknowledged
      And each of them is there, once, and nothing else is
