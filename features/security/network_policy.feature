@security
Feature: Each service reaches what it needs, and nothing else
  CIS Kubernetes Benchmark 5.3.2: every namespace has network policies.
  A stranger who got into the cluster must not get to the data, and a service that was taken over must not get to more than it had.

  Background:
    Given network policy is enforced

  @req-8.3
  Rule: The database takes connections from the services that have one

    @permitted
    Scenario Outline: The <service> service reaches the database
      Given a pod of the <service> service
      When it connects to the database
      Then the connection is made

      Examples:
        | service |
        | catalog |
        | orders  |

    @refusal
    Scenario: A service without a database does not
      Given a pod of the storefront service
      When it connects to the database
      Then no connection is made

    @refusal
    Scenario: A stranger from elsewhere does not
      Given a stranger from elsewhere
      When it connects to the database
      Then no connection is made

    @refusal
    Scenario: A stranger next door does not
      Given a stranger beside the database
      When it connects to the database
      Then no connection is made

  @req-8.3
  Rule: Services behind the gateway are reached through it

    @permitted
    Scenario Outline: The gateway reaches <service>
      Given a pod of the gateway service
      When it connects to the <service> service
      Then the connection is made

      Examples:
        | service |
        | catalog |
        | orders  |

    @refusal
    Scenario Outline: The storefront does not reach <service>
      Given a pod of the storefront service
      When it connects to the <service> service
      Then no connection is made

      Examples:
        | service |
        | catalog |
        | orders  |
