@data
Feature: The schema comes from migrations
  A database is never changed by hand, and a deployment that is repeated must do no harm.

  @req-3.1
  Rule: Migrations run as a job, and running them again changes nothing

    Scenario Outline: The migrations of <service> are run a second time
      Given the migrations of <service> were run by a job that ended well
      And what <service> holds was counted
      When the migrations are run once more
      Then they end well
      And <service> holds what it held before

      Examples:
        | service |
        | catalog |
        | orders  |

  @req-3.1
  Rule: A release can be taken back, schema and all, without loss

    Scenario Outline: <service> goes back one step and forward again
      Given the migrations of <service> were run by a job that ended well
      And what <service> holds was counted
      When the schema goes back one step and forward again
      Then both ended well
      And <service> holds what it held before

      Examples:
        | service |
        | catalog |
        | orders  |
