"""Queue files put into the bucket for their import.

Invoked by an EventBridge rule, once for each object below imports/.
"""

from typing import Any

from groundwork.api.file_events import handle, logger
from groundwork.composition import services


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Raises Transient: Lambda retries an asynchronous event twice."""
    return handle(event, services())
