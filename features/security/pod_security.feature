@security
Feature: Pods that could take over a node are not admitted
  CIS Kubernetes Benchmark 5.2.2: the admission of privileged containers is minimised.

  Background:
    Given the admission of pods is policed

  @req-8.3
  Rule: The shop admits restricted pods alone

    @refusal
    Scenario: A privileged pod is refused
      When a privileged pod asks to run in the shop
      Then it is refused, because of "privileged"

    @permitted
    Scenario: Its restricted twin is admitted
      When its restricted twin asks to run in the shop
      Then it is admitted
