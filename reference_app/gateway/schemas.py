"""What goes over the wire: the bodies that the gateway itself accepts and gives out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reference_app.gateway.files import Upload
from reference_app.gateway.sessions import Line, Session
from reference_app.gateway.uploads import Link


class _Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class LineBody(_Accepted):
    """So many pieces of one product."""

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=1000)]


def _distinct(lines: list[LineBody]) -> list[LineBody]:
    if len({line.product_id for line in lines}) < len(lines):
        message = "each product may be listed once"
        raise ValueError(message)
    return lines


class CartBody(_Accepted):
    """All that the cart is to hold."""

    items: Annotated[list[LineBody], Field(max_length=50), AfterValidator(_distinct)]

    def lines(self) -> list[Line]:
        """Return it as it is kept."""
        return [Line(line.product_id, line.quantity) for line in self.items]


class LineShown(_Shown):
    """So many pieces of one product."""

    product_id: UUID
    quantity: int


class SessionShown(_Shown):
    """A visitor, and what is in the cart."""

    customer: UUID
    cart: list[LineShown]

    @classmethod
    def of(cls, session: Session) -> SessionShown:
        """Show *session*."""
        return cls.model_validate(session)


class UploadShown(_Shown):
    """A file as its owner sees it."""

    id: UUID
    name: str
    size: int
    content_type: str
    sha256: str
    uploaded_at: datetime

    @classmethod
    def of(cls, upload: Upload) -> UploadShown:
        """Show *upload*."""
        return cls.model_validate(upload)


class UploadsShown(_Shown):
    """The files of one visitor."""

    items: list[UploadShown]


class LinkShown(_Shown):
    """An address that gives a file to whoever has it."""

    url: str
    expires_at: datetime

    @classmethod
    def of(cls, link: Link) -> LinkShown:
        """Show *link*."""
        return cls.model_validate(link)


class PeerShown(_Shown):
    """How one part of the shop is doing, and what its *breaker* does with requests."""

    status: Literal["ok", "down"]
    breaker: Literal["closed", "half-open", "open"]
    latency_ms: float | None


class HealthShown(_Shown):
    """How the shop is doing, part by part."""

    status: Literal["ok", "degraded"]
    peers: dict[str, PeerShown]
