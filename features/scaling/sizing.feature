@scaling
Feature: Services ask for what they need
  Who asks for too little is moved or killed when the machine is full; who asks for too much keeps it from others.
  What a service should ask for is known from what it uses.

  @req-5.2
  Rule: There is advice on the size of a service, and advice changes nothing by itself

    Scenario: The catalogue's size is advised on while customers come
      Given advice on sizes can be had
      And the catalog autoscaler rests at its fewest replicas
      And customers send 20 requests per second
      When advice is asked for on the size of its replicas
      Then there is advice on their cpu and memory within 180 seconds, and it lies within its bounds
      And no replica was replaced for it
