@infrastructure @cloud
Feature: The managed cluster comes from code
  What runs the business and what runs the cluster are sized and kept apart,
  and nothing in it has more rights in the cloud than its work asks for.

  Background:
    Given the platform was built from code

  @req-1.1
  Rule: The cluster is recent, recorded and encrypted

    Scenario: The control plane is as it should be
      When its cluster is looked at
      Then the version is at least 1.28
      And each kind of control-plane log is kept
      And its secrets are encrypted with a key of our own

  @req-1.2
  Rule: Nodes come in a system group and an application group

    Scenario: Each group has the size that its work needs
      When its cluster is looked at
      Then the system group consists of t3.medium machines
      And the application group consists of t3.large machines
      And both groups spread over at least 2 zones

  @req-1.2
  Rule: Rights in the cloud belong to one service account each

    @permitted
    Scenario Outline: The role of <account> is for <account>
      When the role of <account> is looked at
      Then the service account <account> may take it
      And its rights name each thing that it may touch

      Examples:
        | account                           |
        | shop/catalog                      |
        | shop/orders                       |
        | shop/gateway                      |
        | external-secrets/external-secrets |

    @refusal
    Scenario Outline: The role of <account> is for nobody else
      When the role of <account> is looked at
      Then no other service account may take it
      And neither a person nor a machine may take it

      Examples:
        | account                           |
        | shop/catalog                      |
        | shop/orders                       |
        | shop/gateway                      |
        | external-secrets/external-secrets |

    @refusal
    Scenario: Nodes have no rights to the business's data
      When the role of the nodes is looked at
      Then it opens no secret, no stored object and no message
      And it holds only what a node needs
