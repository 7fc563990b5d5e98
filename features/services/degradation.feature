@services
Feature: A service that is away takes nothing else with it
  Services fail one at a time.
  The others go on, say what is missing, and use it again once it is back.

  Background:
    Given the shop is open
    And the gateway service runs with 2 ready replicas

  @req-2.5 @req-2.2
  Rule: What is away is said, and the rest goes on

    Scenario: The order service is away
      Given the orders service is away
      When a customer asks for orders 20 times
      Then each answer is a problem with status 503, given within 3 seconds
      And the catalogue still answers
      And the shop says of its parts that only orders is down

  @req-2.5 @req-6.1
  Rule: Without the store of its files the shop takes none, and sells on

    Scenario: The store answers too late
      Given a visitor
      And what the gateway sends to the file store comes 5 seconds late
      When the visitor leaves a picture in vain
      Then each answer is a problem with status 503, given within 9 seconds
      And products and orders still come
      And the shop says of its parts that only uploads is down

    Scenario: The store is back after it refused
      Given a visitor
      And the file store refuses the gateway
      And the visitor left a picture in vain
      When the file store takes what it is sent
      Then the visitor can leave a picture within 30 seconds
      And nothing of the fault is left

  @req-2.5
  Rule: What is back is used again by itself

    Scenario: The order service comes back
      Given the orders service is away
      And a customer asked for orders 20 times
      When the orders service is back
      Then orders are answered again within 30 seconds

  @req-2.5 @req-2.3 @req-3.4
  Rule: Without its cache the catalogue is slower, not gone

    Scenario: The cache is away
      Given the cache is away
      When a product is put into the catalogue
      Then it can be read as it was put in
