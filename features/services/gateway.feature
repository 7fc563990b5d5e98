@services
Feature: One door for all that is not a page
  Customers, their carts and their files come in at one place,
  and it does not matter who opens.

  Background:
    Given the shop is open
    And a visitor

  @req-2.2 @req-3.4
  Rule: A visit is known again, whoever opens

    Scenario: A cart outlives the replica that took it
      Given the visitor has 2 pieces of a product in the cart
      When all replicas of the gateway service are rolled out anew
      Then the cart still holds 2 pieces of it

  @req-2.2 @req-3.3
  Rule: A file comes back as it was left, to the one who left it

    @permitted
    Scenario: The one who left it asks for it
      Given the visitor left a picture of 300 kilobytes
      When the visitor asks for the picture
      Then it comes back as it was left

    @refusal
    Scenario: Somebody else asks for it
      Given the visitor left a picture of 300 kilobytes
      When somebody else asks for the picture
      Then there is no such file for them

  @req-2.2
  Rule: A file must be what it says it is

    @permitted
    Scenario: A picture calls itself a picture
      When the visitor leaves a picture that calls itself one
      Then the file is taken

    @refusal
    Scenario: A program calls itself a picture
      When the visitor leaves a program that calls itself a picture
      Then the answer is a problem with status 415

  @req-2.2 @req-8.3
  Rule: What is meant for the services alone is not behind the door

    @permitted
    Scenario: The products are
      When a customer asks the catalogue for its products
      Then they come back

    @refusal
    Scenario: The pieces set aside for an order are not
      When a customer asks the catalogue for what is set aside for an order
      Then the answer is a problem with status 404
