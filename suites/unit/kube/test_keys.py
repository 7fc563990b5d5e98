"""Keys to AWS are found wherever the API gives them to a pod, and named by their place alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from seatrial.kube.document import Document
from seatrial.kube.keys import keys_among

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "AKIAIOSFODNN7EXAMPLE"
_FILE = "[default]\naws_access_key_id = anything\n"
_IN_ENVIRONMENT = "pod shopkeeper, environment of main: "
_FILES = "pod shopkeeper, files from "


def _pod(part: str = "containers", volume: Mapping[str, object] | None = None, **container: object) -> Document:
    spec = {part: [{"name": "main", **container}], "volumes": [volume] if volume else []}
    return Document({"metadata": {"name": "shopkeeper"}, "spec": spec})


def _reference(kind: str, key: str) -> dict[str, object]:
    return {"name": "SETTING", "valueFrom": {f"{kind}KeyRef": {"name": "held", "key": key}}}


@pytest.mark.parametrize(
    ("pod", "where"),
    [
        pytest.param(_pod(env=[{"name": "ANY", "value": _NAME}]), "ANY", id="by-its-value"),
        pytest.param(
            _pod(env=[{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]), "AWS_SECRET_ACCESS_KEY", id="by-name-alone"
        ),
        pytest.param(_pod("initContainers", env=[{"name": "ANY", "value": _NAME}]), "ANY", id="before-it-starts"),
        pytest.param(_pod(env=[_reference("secret", "file")]), "SETTING", id="out-of-a-secret"),
        pytest.param(_pod(env=[_reference("configMap", "file")]), "SETTING", id="out-of-a-setting"),
        pytest.param(_pod(envFrom=[{"secretRef": {"name": "held"}}]), "file", id="a-whole-secret"),
        pytest.param(_pod(envFrom=[{"configMapRef": {"name": "held"}, "prefix": "P_"}]), "P_file", id="whole-settings"),
    ],
)
def test_a_key_in_the_environment_is_found(pod: Document, where: str) -> None:
    assert _found(pod, _FILE)[:1] == (f"{_IN_ENVIRONMENT}{where}",)


@pytest.mark.parametrize(
    ("volume", "where"),
    [
        pytest.param({"secret": {"secretName": "held"}}, "secret held: file", id="secret"),
        pytest.param({"configMap": {"name": "held"}}, "configMap held: file", id="settings"),
        pytest.param({"projected": {"sources": [{"secret": {"name": "held"}}]}}, "secret held: file", id="projected"),
    ],
)
def test_a_key_in_a_file_is_found(volume: Mapping[str, object], where: str) -> None:
    assert _found(_pod(volume=volume), _FILE)[:1] == (f"{_FILES}{where}",)


def test_a_secret_that_nobody_reads_is_found_too() -> None:
    assert _found(_pod(), _FILE) == ("secret held: file", "configMap held: file")


def test_what_is_no_key_is_not_found() -> None:
    token = {"projected": {"sources": [{"serviceAccountToken": {"path": "token", "audience": "sts.amazonaws.com"}}]}}
    settings = [
        {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::123456789012:role/gateway"},
        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"},
    ]
    assert _found(_pod(volume=token, env=settings), "temporary: ASIAIOSFODNN7EXAMPLE") == ()


def _found(pod: Document, text: str) -> tuple[str, ...]:
    plain = {"metadata": {"name": "held"}, "data": {"file": text}}
    encoded = {"metadata": {"name": "held"}, "data": {"file": base64.b64encode(text.encode()).decode()}}
    return keys_among([pod], [Document(encoded)], [Document(plain)])
