"""Whether policies let somebody do something, judged as AWS judges them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: nothing is allowed that no
policy allows, and nothing that one forbids.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from seatrial.cloud.inspection.policies import Policy, Statement


def permits(policies: Iterable[Policy], action: str, resource: str) -> bool:
    """Return whether *policies* allow *action* (``s3:PutObject``) on *resource*, an ARN; ``*`` is everything there is.

    Conditions, and statements about all but what they name, are not judged: they allow nothing, and forbid what they
    might forbid.
    """
    about = [each for policy in policies for each in policy.statements if _is_about(each, action, resource)]
    allowed = any(each.allows and not (each.conditions or each.all_but) for each in about)
    return allowed and all(each.allows for each in about)


def _is_about(statement: Statement, action: str, resource: str) -> bool:
    named = any(fnmatchcase(action.lower(), each.lower()) for each in statement.actions)
    where = any(fnmatchcase(resource, each) for each in statement.resources)
    return bool(statement.all_but) or (named and where)
