@services
Feature: People shop with their browser
  A shop is its pages: found, ordered, followed, and honest about what does not work today.

  Background:
    Given the shop is open
    And a person with a browser

  @req-2.1
  Rule: A person finds a product, orders it and sees it confirmed

    Scenario: From the first page to the confirmed order
      When the person searches for "plough anchor", puts one into the cart and orders it
      Then the page shows the order as confirmed within 20 seconds, by itself
      And the order stands in the person's history

  @req-2.1
  Rule: A person leaves a file and gets it back

    Scenario: A file is left and fetched
      When the person leaves a picture
      Then the page lists it
      And what the person fetches is the same picture

  @req-2.1
  Rule: A person sees how the shop is doing

    Scenario: All is well
      When the person looks at the dashboard
      Then it says that all parts are well

    Scenario: A part fails while the person looks
      Given the person looks at the dashboard
      When the orders service goes away
      Then the dashboard says within 30 seconds that orders is down, by itself

  @req-2.1
  Rule: Everybody can use the pages

    Scenario: Nothing on any page keeps somebody out
      When the person opens one page after the other
      Then no barrier is found on any of them
