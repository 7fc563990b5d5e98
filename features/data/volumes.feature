@data
Feature: Data outlives the pod that wrote it
  Pods are replaced every day; what they were told to keep must not go with them.

  @req-1.4
  Rule: A volume survives its pod

    Scenario: A note is found by the next pod
      Given a pod wrote a note on a volume and is gone
      When another pod reads the volume
      Then it finds the same note
