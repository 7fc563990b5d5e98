@data
Feature: The schema comes from migrations
  A database is never changed by hand, and a deployment that is repeated must do no harm.

  @req-3.1
  Rule: Migrations run as a job, and running them again changes nothing

    Scenario: The migrations are run a second time
      Given the migrations were run by a job that ended well
      And the catalogue is full of products
      When the migrations are run once more
      Then they end well
      And the catalogue holds what it held before
