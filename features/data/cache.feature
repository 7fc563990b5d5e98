@data
Feature: A rush on one product reaches the database once
  When a popular product's entry expires, everybody asks for it at the same moment.
  The database must not notice.

  Background:
    Given the shop is open
    And the catalog service runs with 2 ready replicas

  @req-3.4 @req-2.3
  Rule: A miss is loaded once, by one replica, for all

    Scenario: 500 customers ask for a product that is not in the cache
      Given a product in the catalogue
      And what the catalog service has counted so far
      When 500 customers ask for it at once
      Then all of them get it
      And its replicas together have loaded it from the database 1 time
