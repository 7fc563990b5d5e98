@delivery
Feature: Images carry nothing of the machine that built them
  An image is copied to places that its builder never sees;
  addresses, settings and keys of the builder's network must not travel in it.

  @req-7.2
  Rule: A finished image holds the program and what it needs, and no trace of its builder

    Scenario: The images of the shop are searched
      Given the images of the shop are published
      When they are searched for traces of their builder
      Then none is found in any of them
