"""A service account: who a pod is to the API, and what that lets it do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from seatrial.kube import kinds
from seatrial.kube.api import Refused
from seatrial.verdict import Inconclusive, Missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seatrial.kube.api import Api
    from seatrial.kube.document import Kind

_TOKEN_LIFE = timedelta(minutes=10)
_FORBIDDEN = 403


@dataclass(frozen=True)
class Permission:
    """Leave to do *verbs* (get, list, ...) on the core API's *resources* (configmaps, ...)."""

    verbs: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Account:
    """A ServiceAccount, by name."""

    api: Api
    name: str
    namespace: str

    @classmethod
    def create(cls, api: Api, name: str, namespace: str, permissions: Sequence[Permission]) -> Account:
        """Create an account that may do exactly what *permissions* say, inside its namespace."""
        metadata = {"name": name, "namespace": namespace}
        api.create(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}
        )
        if permissions:
            rules = [
                {"apiGroups": [""], "resources": list(item.resources), "verbs": list(item.verbs)}
                for item in permissions
            ]
            api.create({"apiVersion": kinds.ROLE.version, "kind": "Role", "metadata": metadata, "rules": rules})
            api.create(
                {
                    "apiVersion": kinds.ROLE.version,
                    "kind": "RoleBinding",
                    "metadata": metadata,
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                    "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
                }
            )
        return cls(api, name, namespace)

    def signed_in(self) -> Api:
        """Return a connection that acts as this account, by a token of ten minutes that the API issued for it."""
        return self.api.acting_with(self.token())

    def token(self, audience: str | None = None) -> str:
        """Return a token of ten minutes that the API issues for this account and *audience* (itself if None) reads."""
        path = self.api.path(kinds.SERVICE_ACCOUNT, self.name, self.namespace) + "/token"
        asked: dict[str, object] = {"expirationSeconds": int(_TOKEN_LIFE.total_seconds())}
        if audience is not None:
            asked["audiences"] = [audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": asked}
        return self.api.ask("POST", path, body=body).text("status.token")

    def require_recognised(self) -> None:
        """Raise Inconclusive unless the API knows the bearer of this account's token to be this account.

        Without that, a refusal may be one of the token and say nothing about rights.
        """
        mine = self.signed_in()
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            answer = mine.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body=body)
        except Refused as error:
            raise Inconclusive(
                f"the API does not know the token of {self.namespace}/{self.name}: {error}", Missing.PERMISSION
            ) from error
        finally:
            mine.close()
        known = answer.text("status.userInfo.username")
        if known != f"system:serviceaccount:{self.namespace}:{self.name}":
            raise Inconclusive(
                f"the API takes the token of {self.namespace}/{self.name} for one of {known}", Missing.PERMISSION
            )

    def refusal(self, kind: Kind, namespace: str) -> str | None:
        """List *kind* in *namespace* as this account; return the refusal for want of rights, None when the list came.

        Raises Refused for any other refusal, such as an unknown token.
        """
        mine = self.signed_in()
        try:
            mine.request("GET", self.api.path(kind, namespace=namespace))
        except Refused as error:
            if error.status == _FORBIDDEN:
                return error.message
            raise
        finally:
            mine.close()
        return None
