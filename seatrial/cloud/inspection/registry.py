"""Image repositories, as ECR tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.cloud.account import Account, Answer


@dataclass(frozen=True)
class ExpiryRule:
    """Which images go: *what* is ``tagged``, ``untagged`` or ``any``; *kind* says whether *count* is days or images."""

    priority: int
    what: str
    kind: str
    count: int


@dataclass(frozen=True)
class Repository:
    """A repository. *immutable* means that a tag, once pushed, never names another image."""

    name: str
    address: str
    immutable: bool
    scan_on_push: bool
    encryption: str
    key: str
    expiry: tuple[ExpiryRule, ...]

    @property
    def expires(self) -> bool:
        """Whether images go at all."""
        return bool(self.expiry)


def repository(account: Account, name: str) -> Repository:
    """Return the repository of a name; raises NotFound."""
    told = account.find(f"the repository {name}", "ecr", "describe_repositories", repositoryNames=[name])
    return _repository(account, told.parts("repositories")[0])


def repositories(account: Account) -> tuple[Repository, ...]:
    """Return all repositories, of which there may be none."""
    return tuple(_repository(account, each) for each in account.every("ecr", "describe_repositories", "repositories"))


def _repository(account: Account, told: Answer) -> Repository:
    name = told.text("repositoryName")
    policy = account.look("ecr", "get_lifecycle_policy", repositoryName=name) or Answer({})
    return Repository(
        name=name,
        address=told.text("repositoryUri"),
        immutable=told.text("imageTagMutability") == "IMMUTABLE",
        scan_on_push=told.flag("imageScanningConfiguration.scanOnPush"),
        encryption=told.text("encryptionConfiguration.encryptionType"),
        key=told.text("encryptionConfiguration.kmsKey"),
        expiry=tuple(
            ExpiryRule(
                priority=each.number("rulePriority") or 0,
                what=each.text("selection.tagStatus"),
                kind=each.text("selection.countType"),
                count=each.number("selection.countNumber") or 0,
            )
            for each in policy.document("lifecyclePolicyText").parts("rules")
            if each.text("action.type") == "expire"
        ),
    )
