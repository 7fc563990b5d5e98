@infrastructure @cloud
Feature: Managed data stores come from code, safe from loss and from strangers
  A lost zone, a lost disk or a deleted file must not lose what customers entrusted to us,
  and nobody reads it without a right to.

  Background:
    Given the platform was built from code

  @req-3.1
  Rule: The database survives the loss of a zone and of its data

    Scenario: The database is doubled, encrypted and backed up
      When its database is looked at
      Then it has a standby in another zone
      And the database is encrypted with a key of our own
      And its backups are kept for at least 7 days
      And it has no public address

  @req-3.4
  Rule: The cache survives the loss of a node

    Scenario: The cache is doubled and encrypted
      When its cache is looked at
      Then it has at least 2 nodes
      And a failing node is replaced by the other without a person
      And what it holds and what it sends is encrypted

  @req-3.3
  Rule: Objects are encrypted, versioned and private

    Scenario: The store of uploads keeps what it is given
      When the store of uploads is looked at
      Then uploads are encrypted with a key of our own
      And each version of an object is kept
      And no object in it can be made public
      And it is reached over encrypted connections only

    Scenario: Unfinished uploads do not stay for ever
      When the store of uploads is looked at
      Then an upload that nobody finishes is removed within 7 days

  @req-3.5
  Rule: Shared files and image repositories exist

    Scenario: Shared files can be mounted in each zone
      When the shared files are looked at
      Then the files are encrypted with a key of our own
      And they can be mounted in at least 2 zones

    @req-8.4
    Scenario Outline: The repository of <service> scans and protects its images
      When the repository of <service> is looked at
      Then each image is scanned when it arrives
      And a published image cannot be replaced
      And old images make room for new ones

      Examples:
        | service    |
        | catalog    |
        | orders     |
        | gateway    |
        | storefront |

  @req-3.2
  Rule: Credentials are kept in a store of secrets

    Scenario: Each service's credentials have an entry
      When the store of secrets is looked at
      Then there is an entry for the catalog service
      And there is an entry for the orders service
      And each entry is encrypted with a key of our own
