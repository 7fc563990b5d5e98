"""Steps about managed data stores in the cloud: how they survive losses, and who can read what is in them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_bdd import then, when
from pytest_bdd.parsers import parse

from seatrial.cloud.controls import Facts, findings

if TYPE_CHECKING:
    from seatrial.cloud.inspection import Repository
    from seatrial.cloud.platform import Platform


@when("its database is looked at", target_fixture="facts")
def look_at_database(platform: Platform) -> Facts:
    return Facts(platform)


@when("its cache is looked at", target_fixture="facts")
def look_at_cache(platform: Platform) -> Facts:
    return Facts(platform)


@when("the store of uploads is looked at", target_fixture="facts")
def look_at_uploads(platform: Platform) -> Facts:
    return Facts(platform)


@when("the shared files are looked at", target_fixture="facts")
def look_at_files(platform: Platform) -> Facts:
    return Facts(platform)


@when("the store of secrets is looked at", target_fixture="facts")
def look_at_secrets(platform: Platform) -> Facts:
    return Facts(platform)


@when(parse("the repository of {service} is looked at"), target_fixture="repository")
def look_at_repository(platform: Platform, service: str) -> Repository:
    return Facts(platform).repositories[service]


@then("it has a standby in another zone")
def database_has_standby(facts: Facts) -> None:
    assert findings("database-standby", facts) == ()


@then("the database is encrypted with a key of our own")
def database_encrypted(facts: Facts) -> None:
    assert findings("database-encrypted", facts) == ()


@then(parse("its backups are kept for at least {days:d} days"))
def database_backed_up(facts: Facts, days: int) -> None:
    assert facts.database.backups >= timedelta(days=days)


@then("it has no public address")
def database_private(facts: Facts) -> None:
    assert findings("database-private", facts) == ()


@then(parse("it has at least {count:d} nodes"))
def cache_doubled(facts: Facts, count: int) -> None:
    assert len(facts.cache.nodes) >= count


@then("a failing node is replaced by the other without a person")
def cache_fails_over(facts: Facts) -> None:
    assert findings("cache-failover", facts) == ()


@then("what it holds and what it sends is encrypted")
def cache_encrypted(facts: Facts) -> None:
    assert findings("cache-encrypted", facts) == ()


@then("uploads are encrypted with a key of our own")
def uploads_encrypted(facts: Facts) -> None:
    assert findings("uploads-encrypted", facts) == ()


@then("each version of an object is kept")
def uploads_versioned(facts: Facts) -> None:
    assert findings("uploads-versioned", facts) == ()


@then("no object in it can be made public")
def uploads_private(facts: Facts) -> None:
    assert findings("uploads-private", facts) == ()


@then("it is reached over encrypted connections only")
def uploads_transport(facts: Facts) -> None:
    assert findings("uploads-transport", facts) == ()


@then(parse("an upload that nobody finishes is removed within {days:d} days"))
def uploads_abandoned(facts: Facts, days: int) -> None:
    limits = [rule.abort_uploads for rule in facts.uploads.lifecycle if rule.enabled and not rule.prefix]
    assert min(limit for limit in limits if limit is not None) <= timedelta(days=days)


@then("the files are encrypted with a key of our own")
def files_encrypted(facts: Facts) -> None:
    assert findings("files-encrypted", facts) == ()


@then(parse("they can be mounted in at least {count:d} zones"))
def files_in_zones(facts: Facts, count: int) -> None:
    assert len(facts.files.zones) >= count


@then("each image is scanned when it arrives")
def images_scanned(repository: Repository) -> None:
    assert repository.scan_on_push


@then("a published image cannot be replaced")
def images_immutable(repository: Repository) -> None:
    assert repository.immutable


@then("old images make room for new ones")
def images_expire(repository: Repository) -> None:
    assert repository.expires


@then(parse("there is an entry for the {service} service"))
def entry_exists(facts: Facts, service: str) -> None:
    assert [name for name in facts.secrets if name.startswith(f"{service}/")]


@then("each entry is encrypted with a key of our own")
def entries_encrypted(facts: Facts) -> None:
    assert findings("secrets-encrypted", facts) == ()
