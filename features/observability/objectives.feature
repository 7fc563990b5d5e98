@observability
Feature: The catalogue keeps its objectives
  What is promised to customers stands in a file beside the platform.
  Whether it is kept must come out of what customers saw, and the service's own numbers must not tell another story.

  Background:
    # A replica that leaves in between takes along what it counted.
    Given the catalog autoscaler rests at its fewest replicas

  @req-5.4
  Rule: Under normal load the catalogue keeps what was promised

    Scenario: Customers come at a steady rate
      Given the catalog service runs with 2 ready replicas
      And what each of its replicas has counted so far
      And customers send 20 requests per second
      When 1000 of their requests have been answered
      Then the catalog service keeps its objectives meanwhile
      And its replicas have counted what the customers saw
