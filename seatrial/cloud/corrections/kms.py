"""KMS as its API reference has it: a key is named by its identity or by its ARN, whatever is done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from moto.kms.models import KmsBackend

from seatrial.cloud.corrections.registry import Corrections

if TYPE_CHECKING:
    from collections.abc import Callable

KMS: Final = Corrections()

_REFERENCE = "https://docs.aws.amazon.com/kms/latest/APIReference/"


@KMS.around(KmsBackend, "schedule_key_deletion", reference=_REFERENCE + "API_ScheduleKeyDeletion.html")
def schedule_key_deletion(
    original: Callable[..., float], backend: KmsBackend, key_id: str, pending_window_in_days: int
) -> float:
    """Take "the key ID or key ARN" (KeyId), where moto knows no key by its ARN here."""
    return original(backend, backend.get_key_id(key_id), pending_window_in_days)


@KMS.around(KmsBackend, "cancel_key_deletion", reference=_REFERENCE + "API_CancelKeyDeletion.html")
def cancel_key_deletion(original: Callable[..., None], backend: KmsBackend, key_id: str) -> None:
    """Take "the key ID or key ARN" (KeyId)."""
    original(backend, backend.get_key_id(key_id))


@KMS.around(KmsBackend, "disable_key", reference=_REFERENCE + "API_DisableKey.html")
def disable_key(original: Callable[..., None], backend: KmsBackend, key_id: str) -> None:
    """Take "the key ID or key ARN" (KeyId)."""
    original(backend, backend.get_key_id(key_id))


@KMS.around(KmsBackend, "enable_key", reference=_REFERENCE + "API_EnableKey.html")
def enable_key(original: Callable[..., None], backend: KmsBackend, key_id: str) -> None:
    """Take "the key ID or key ARN" (KeyId)."""
    original(backend, backend.get_key_id(key_id))


@KMS.around(KmsBackend, "_generate_default_keys", reference=_REFERENCE + "API_KeyMetadata.html")
def generate_default_keys(original: Callable[..., str | None], backend: KmsBackend, alias_name: str) -> str | None:
    """Say of a key that comes with a service that AWS manages it (KeyManager), not the customer."""
    made = original(backend, alias_name)
    if made is not None:
        backend.keys[made].key_manager = "AWS"
    return made
