@delivery
Feature: Images hold what they run and can be told from outside
  An image is copied to places that its builder never sees.
  Whoever runs it must know what is in it, who it runs as, and that it is what its source says.

  Background:
    Given the images of the shop are published

  @req-7.2
  Rule: A finished image holds the program and what it needs, and no trace of its builder

    Scenario: The images of the shop are searched
      When they are searched for traces of their builder
      Then none is found in any of them

    Scenario: The images of the shop are looked into
      When they are looked into
      Then none has a fault
      And none is larger than 300 megabytes

  @req-7.2
  Rule: An image says what is in it

    Scenario: The bills of the services' images are compared with what was pinned
      When they are looked into
      Then each service's image holds exactly the packages that were pinned for it

  @req-7.2
  Rule: The same source makes the same image

    Scenario: An image is built twice
      When the image of the catalog service is built once more, from nothing
      Then both builds are the same
