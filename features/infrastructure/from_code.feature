@infrastructure @cloud
Feature: The platform is what its code says
  Whoever reads the code knows what exists; what was changed by hand is found,
  and what was taken down is gone.

  @req-1.1
  Rule: Code and platform agree

    Scenario: A second look finds nothing to do
      Given the platform was built from code
      When it is looked at a second time
      Then nothing would be changed

    Scenario: What was changed by hand is named
      Given the platform was built from code
      And somebody let the whole internet in to the database by hand
      And somebody stopped the uploads from keeping versions by hand
      When it is planned anew
      Then the plan names what was changed
      And it names nothing else

  @req-1.1
  Rule: Taking it down leaves nothing

    Scenario: All is gone afterwards
      Given another platform was built from code
      When it is taken down
      Then nothing of it is left in the account
      And nothing is left in its state

  @req-1.1 @req-1.2 @req-3.1 @req-3.3
  Rule: A weakness in the code does not go unseen

    Scenario: The code as it is has none
      Given the platform was built from code
      When its weaknesses are looked for
      Then no control is broken

    Scenario Outline: It is seen that <weakness>
      Given a platform was built from code in which <weakness>
      When its weaknesses are looked for
      Then the control <control> is broken

      Examples:
        | weakness                                         | control               |
        | the database lets the whole internet in          | database-admits       |
        | the cache lets the whole internet in             | cache-admits          |
        | the database has a public address                | database-private      |
        | the database has no standby                      | database-standby      |
        | the database is not encrypted                    | database-encrypted    |
        | the cache sends in the clear                     | cache-encrypted       |
        | the cache has one node                           | cache-doubled         |
        | the uploads can be made public                   | uploads-private       |
        | the uploads are not versioned                    | uploads-versioned     |
        | the uploads may be read over open connections    | uploads-transport     |
        | a service may do everything                      | roles-least           |
        | any service account may take the role of another | roles-trust           |
        | the nodes may do everything                      | nodes-least           |
        | the control plane keeps no logs                  | control-plane-logs    |
        | the cluster's secrets are not encrypted          | control-plane-secrets |
        | only refused traffic is recorded                 | traffic-recorded      |
        | images can be replaced                           | images-immutable      |
        | images are not scanned                           | images-scanned        |
