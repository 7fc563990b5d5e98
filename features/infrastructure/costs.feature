@infrastructure
Feature: What an environment costs is known before it is built
  Prices are list prices of the day that stands beside each of them;
  what is paid by use is named, and is not in the sum.

  @req-10.4
  Rule: Each environment that is meant for an account has its price

    Scenario Outline: The environment for <whom> has a price
      Given the environment for <whom> is planned
      When its costs are estimated
      Then each part of it has a price, or is paid by use
      And it costs at most <limit> dollars a month

      Examples:
        | whom     | limit |
        | learners | 400   |
        | service  | 1200  |
