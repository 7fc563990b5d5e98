@services
Feature: Customers find products in the catalogue
  The catalogue is read far more often than written,
  so it answers from a cache and yet never with yesterday's price.

  Background:
    Given the shop is open

  @req-2.3
  Rule: What is put in can be found

    Scenario: A new product is shown as it was put in
      When a product is put into the catalogue
      Then it can be read as it was put in

    Scenario: A product that is taken out is gone
      Given a product in the catalogue
      And it was read before
      When it is taken out
      Then it cannot be read any more

    Scenario: A new category is shown, changed and removed
      When a category is put into the catalogue
      Then it can be read as it was put in
      And it can be given another name
      And it can be removed

  @req-2.3
  Rule: Nobody's change is lost

    @permitted
    Scenario: Who read the newest version may change it
      Given a product in the catalogue
      When somebody changes it who has read its newest version
      Then the change is accepted

    @refusal
    Scenario: Who read an older version may not
      Given a product in the catalogue
      When somebody changes it who has read it before somebody else changed it
      Then the answer is a problem with status 412

  @req-2.3 @req-3.4
  Rule: Reading again costs the database nothing

    Scenario: The first read asks the database
      Given a product in the catalogue
      When it is read
      Then the answer comes from the database

    Scenario: The second read is answered from the cache
      Given a product in the catalogue
      And it was read before
      When it is read
      Then the answer comes from the cache

  @req-2.3 @req-3.4
  Rule: A change is seen at once

    Scenario: A new price replaces the cached one
      Given a product in the catalogue
      And it was read before
      When its price changes to 4321 cents
      Then each of the next 10 reads shows 4321 cents

  @req-2.5
  Rule: An error says what was wrong, in one shape

    Scenario Outline: A customer who <mistake> learns why that cannot be
      When by mistake a customer <mistake>
      Then the answer is a problem with status <status>

      Examples:
        | mistake                                        | status |
        | asks for a product that does not exist         | 404    |
        | asks for something the catalogue does not have | 404    |
        | creates a product without a price              | 422    |
        | deletes a product without saying which version | 428    |
