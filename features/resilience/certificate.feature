@resilience
Feature: A certificate that has run out keeps customers away no longer than it is there
  Certificates run out on a day that is known, and still take whole shops down.
  Customers must not be let into a shop that cannot prove who it is, and must come in again as soon as it can.

  Background:
    Given the shop is open

  @req-6.1 @req-6.2
  Rule: A certificate that has run out is noticed by customers, and is gone within 30 seconds of its renewal

    @refusal
    Scenario: It runs out
      When the certificate of the shop runs out
      Then customers turn away within 10 seconds, because it has expired
      And the shop shows a certificate whose time is over

    @permitted
    Scenario: It is renewed
      Given the certificate of the shop has run out
      When it is renewed
      Then customers come in again within 30 seconds
      And the shop shows the certificate from before
      And nothing of the fault is left
