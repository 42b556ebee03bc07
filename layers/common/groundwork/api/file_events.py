"""S3's events of files put into the bucket, sent by EventBridge."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from groundwork.composition import Services
from groundwork.imports.dropped_files import PREFIX, DropEnd, DroppedFile, queue_file

CREATED = "Object Created"

logger = Logger(service="queue_import")


def handle(event: Mapping[str, Any], services: Services) -> dict[str, str]:
    """Queue the file of an event.

    Raises Transient: Lambda tries again, then the dead letters do.
    """
    dropped = dropped_file(event)
    if dropped is None:
        # another delivery would be as unreadable
        logger.error("Event without a file", detail_type=event.get("detail-type"))
        return {"end": "unreadable"}
    logger.append_keys(key=dropped.key, version_id=dropped.version_id)
    tables = services.tables
    end = queue_file(dropped, services.files, services.imports(), tables.unassigned_files)
    level = logger.warning if end in (DropEnd.NO_PROJECT, DropEnd.REFUSED, DropEnd.GONE) else logger.info
    level("File queued for import", extra={"end": end.value})
    return {"end": end.value}


def is_file_event(event: Mapping[str, Any]) -> bool:
    return event.get("detail-type") == CREATED


def dropped_file(event: Mapping[str, Any]) -> DroppedFile | None:
    """Read an event; None for any other one.

    Unlike in S3's own notifications, the key is not URL-encoded.
    """
    try:
        about = event["detail"]["object"]
        key, size, version = about["key"], about["size"], about.get("version-id")
        put_at = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        return None
    if not is_file_event(event) or not isinstance(key, str) or not key.startswith(PREFIX):
        return None
    # S3's name of the version of an object that is older than the versions of its bucket
    return DroppedFile(key, int(size), put_at, version if version != "null" else None)
