"""The sandboxes named in the settings."""

from typing import NoReturn

from groundwork.adapters.aws.microvms import MicrovmSandboxes, microvm_client
from groundwork.sandbox.errors import SandboxUnavailable
from groundwork.sandbox.model import Availability
from groundwork.sandbox.port import Sandboxes
from groundwork.settings import Settings

NOT_CONFIGURED = "No sandbox is configured: deploy the stack with the parameter SandboxImage."


def open_sandboxes(settings: Settings, secret: bytes = b"") -> Sandboxes:
    """Return the sandboxes. `secret` is needed for all but `available`."""
    if not settings.sandbox_image:
        return NoSandboxes(NOT_CONFIGURED)
    partition, _, region = settings.sandbox_image.split(":")[1:4]
    managed = f"arn:{partition}:lambda:{region}:aws:network-connector:aws-network-connector:"
    egress = tuple(filter(None, settings.sandbox_egress.split(","))) or (f"{managed}INTERNET_EGRESS",)
    return MicrovmSandboxes(
        microvm_client(),
        settings.sandbox_image,
        secret=secret,
        scope=settings.sandbox_scope,
        ingress=(f"{managed}HTTP_INGRESS",),
        egress=egress,
        local=settings.local,
        confined=settings.checks != "unconfined",
    )


class NoSandboxes:
    """Sandboxes of a system without any. A sweep finds nothing to end."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def available(self) -> Availability:
        return Availability(False, self._reason)

    def close(self, *_: object) -> None:
        return

    def sweep(self, *_: object) -> list[str]:
        return []

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise SandboxUnavailable(self._reason)

    open = put = start = poll = kill = changes = save_setup = restore_setup = suspend = _refuse
