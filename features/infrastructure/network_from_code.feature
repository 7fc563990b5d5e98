@infrastructure @cloud
Feature: The network comes from code and keeps its parts apart
  Whatever runs in it can be reached by those it serves, and by nobody else;
  one zone can be lost with all that is in it.

  Background:
    Given the platform was built from code

  @req-1.1
  Rule: Each of two zones has room for the public, for applications and for data

    Scenario: Subnets of each tier stand in two zones
      When its network is looked at
      Then the public subnets stand in at least 2 zones
      And the private subnets stand in at least 2 zones
      And the database subnets stand in at least 2 zones

    Scenario: Only public subnets lead straight to the internet
      When its network is looked at
      Then traffic from the public subnets reaches the internet directly
      And traffic from the private subnets reaches the internet through a gateway in the public ones
      And traffic from the database subnets does not leave the network

    Scenario: What passes through the network is recorded
      When its network is looked at
      Then all its traffic is recorded

  @req-1.1
  Rule: Data is reached by applications only

    @permitted
    Scenario: Applications reach the database, the cache and the shared files
      When an application connects from the private subnets
      Then it reaches the database
      And it reaches the cache
      And it reaches the shared files

    @refusal
    Scenario: Strangers on the internet reach none of them
      When a stranger connects from the internet
      Then the database refuses it
      And the cache refuses it
      And the shared files refuse it

    @refusal
    Scenario: A machine in the public subnets reaches none of them
      When a machine without a role connects from the public subnets
      Then the database refuses it
      And the cache refuses it
      And the shared files refuse it
