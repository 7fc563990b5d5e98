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

    Scenario: The orders answer under theirs
      When the orders are asked for at the edge
      Then orders come back

    Scenario: The gateway answers under its own
      When the gateway is asked at the edge how the shop is doing
      Then it says how each part is doing

    Scenario: All else is the storefront's
      When the first page is asked for at the edge
      Then a page comes back

    Scenario: What nobody has is said to be missing
      When something that no service has is asked for at the edge
      Then the answer says that it is missing

  @req-1.3
  Rule: The edge proves who it is

    @permitted
    Scenario: The certificate is good for the platform's name
      When the edge is met under the name "shop.seatrial.test"
      Then its certificate is accepted

    @refusal
    Scenario: The certificate is good for no other name
      When the edge is met under the name "catalog.stranger.test"
      Then its certificate is rejected
