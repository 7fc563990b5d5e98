@security
Feature: Rights in the cloud come with a service account's own token
  No key to the cloud lies in any pod. Whoever gets hold of one service gets that service's rights,
  for an hour at most, and no other's.

  Background:
    Given a role in the cloud that trusts the catalog service alone

  @req-1.2
  Rule: The cloud gives a role to the service account that it trusts

    @permitted
    Scenario: The catalogue's account gets its role
      Given the account that the catalog service runs under
      When it asks the cloud for the role
      Then it gets credentials that end within 60 minutes

    @refusal
    Scenario: Another service's account is refused
      Given the account that the storefront service runs under
      When it asks the cloud for the role
      Then the role is not given to it

    @refusal
    Scenario: A token that was meant for another reader is refused
      Given the account that the catalog service runs under
      When it asks the cloud for the role with a token for the cluster
      Then the role is not given to it
