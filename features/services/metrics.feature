@services
Feature: Each service measures itself
  Whoever runs a service must see how many requests came, how they ended and how long they took,
  and must be able to trust the numbers.

  Background:
    Given the shop is open

  @req-2.3 @req-2.2 @req-2.4 @req-2.1
  Rule: What was answered is counted, neither more nor less

    Scenario Outline: The requests that the <service> service answered are counted
      Given what the <service> service has counted so far
      When a customer asks 25 times for what the <service> service has
      Then its replicas together have counted 25 more
      And the time that each took was measured

      Examples:
        | service    |
        | catalog    |
        | orders     |
        | gateway    |
        | storefront |

  @req-3.4
  Rule: What the cache spares the database is measured

    Scenario: Ten reads of one product
      Given a product in the catalogue
      And what the catalog service has counted so far
      When it is read 10 times
      Then its replicas together have counted 1 read from the database and 9 from the cache

  @req-2.2 @req-8.3
  Rule: The numbers are for those who run the shop

    @refusal
    Scenario: A customer asks for the numbers
      When a customer asks at the edge for the numbers of the gateway service
      Then no numbers come back

    @permitted
    Scenario: The service itself knows them
      When the gateway service is asked for its numbers from inside
      Then numbers come back
