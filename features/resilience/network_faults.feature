@resilience
Feature: The catalogue survives faults of its network
  Networks are slow, lose things, and part from each other.
  One replica that suffers from it must not be felt by many, and nothing of the fault may stay.

  Background:
    Given the catalog service is held at 2 replicas
    And one of its replicas
    And customers send 20 requests per second

  @req-6.1 @req-6.2
  Rule: A replica whose words are late, lost, doubled or damaged goes on serving

    Scenario: What it sends comes late
      When what it sends comes 200 milliseconds late for 15 seconds
      Then its own requests take at least 200 milliseconds meanwhile
      And all replicas are ready within 15 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

    Scenario Outline: A part of what it sends <happens>
      When 10% of what it sends <happens> for 15 seconds
      Then all replicas are ready within 15 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

      Examples:
        | happens         |
        | is lost         |
        | arrives twice   |
        | arrives damaged |

  @req-6.1 @req-6.2
  Rule: A replica that has lost its cache goes on serving

    Scenario: It is cut off from the cache
      When it is cut off from the cache for 15 seconds
      Then its requests get no answer meanwhile
      And all replicas are ready within 15 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

    Scenario: The cache refuses it
      When the cache refuses it for 15 seconds
      Then its requests are refused meanwhile
      And all replicas are ready within 15 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

  @req-6.1 @req-6.2
  Rule: A replica that finds nobody by name goes on serving

    Scenario: Names are not resolved
      When its questions for names get no answer for 15 seconds
      Then its requests get no answer meanwhile
      And all replicas are ready within 15 seconds of its end
      And at least 99% of the requests meanwhile succeed
      And nothing of the fault is left

  @req-6.1 @req-6.2
  Rule: A replica that has lost its database is not asked any more

    Scenario: It is cut off from the database
      When it is cut off from the database for 20 seconds
      Then its requests get no answer meanwhile
      And all replicas are ready within 30 seconds of its end
      And at least 97% of the requests meanwhile succeed
      And nothing of the fault is left
