@security
Feature: Services use the cloud with rights of their own, and without keys
  CIS Amazon EKS Benchmark 5.2.1: each service has a service account of its own.
  A key that lies in a pod is somebody's key for as long as nobody notices.

  @req-1.2 @req-3.3
  Rule: A file is kept by whoever runs under the account that may keep it

    @permitted
    Scenario: The gateway keeps what a visitor leaves
      Given the shop is open
      And a visitor
      When the visitor leaves a picture that calls itself one
      Then the file is taken

    @permitted
    Scenario: What runs under the gateway's account keeps a file
      Given the account that the gateway service runs under
      When something that runs under it keeps a file in the cloud
      Then the cloud has kept it

    @refusal
    Scenario: What runs under another service's account is refused the same
      Given the account that the storefront service runs under
      When something that runs under it keeps a file in the cloud
      Then the cloud refuses it for want of rights

    Scenario: The cloud is started anew, and the gateway goes on with the rights that it has
      Given the shop is open
      And a visitor
      And the visitor left a picture of 300 kilobytes
      When the cloud that the shop uses is started anew
      Then the visitor can leave a picture again within 60 seconds

  @req-3.2
  Rule: No key to the cloud that lasts lies in the shop

    @permitted
    Scenario: The shop's pods are given none
      Given the shop is open
      When all that the shop's pods are given is searched for keys to the cloud
      Then there is none

    @refusal
    Scenario: A key that is given to a pod is found
      Given a pod that is given a key to the cloud
      When all that it is given is searched for keys to the cloud
      Then the key is found in its environment and in its secret
