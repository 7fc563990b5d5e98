@infrastructure
Feature: Traffic enters at one place
  Customers need one address and one certificate,
  whatever stands behind it today.

  Background:
    Given the shop is open

  @req-1.3
  Rule: The path decides which service answers

    Scenario: The catalogue answers under its path
      When the catalogue is asked for at the edge
      Then its products come back

    Scenario: A path that belongs to no service stays unanswered
      When something that no service has is asked for at the edge
      Then no service answers

  @req-1.3
  Rule: The edge proves who it is

    @permitted
    Scenario: The certificate is good for the platform's name
      When the edge is met under the name "catalog.seatrial.test"
      Then its certificate is accepted

    @refusal
    Scenario: The certificate is good for no other name
      When the edge is met under the name "catalog.stranger.test"
      Then its certificate is rejected
