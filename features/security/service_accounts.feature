@security
Feature: A service may do no more than it needs
  CIS Kubernetes Benchmark 5.1.2: access to secrets is minimised.
  Whoever breaks into the catalogue must not find the keys to everything else.

  @req-8.3
  Rule: An account reads secrets only if it was granted that

    @refusal
    Scenario: The catalogue's account reads no secrets
      Given the account that the catalog service runs under
      And the API knows it by its token
      When it asks for the secrets around it
      Then it is refused for want of rights

    @permitted
    Scenario: An account that was granted it reads them
      Given an account that was granted the reading of secrets
      And the API knows it by its token
      When it asks for the secrets around it
      Then it gets them
