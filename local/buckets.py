"""The template's buckets in the local AWS, with versions, events and CORS rules."""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from local.template import Resource

MAX_NAME = 63
# moto expects the names of S3's API; CloudFormation differs in these.
_CORS = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}


def create_bucket(resource: Resource, s3: Any) -> dict[str, str]:
    """Create a bucket unless it exists, and return its attributes."""
    name = name_of(resource)
    region = s3.meta.region_name
    # S3 rejects us-east-1, its default, as a location constraint.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    # The user's own S3 keeps its buckets between starts.
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=name, **where)
    rules = resource.properties.get("CorsConfiguration", {}).get("CorsRules", [])
    if rules:
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in rules]})
    if resource.properties.get("VersioningConfiguration", {}).get("Status") == "Enabled":
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if sends_events(resource):
        to_event_bridge: dict[str, Any] = {"EventBridgeConfiguration": {}}
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=to_event_bridge)
    host = urlsplit(s3.meta.endpoint_url).netloc
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}", "DomainName": host, "RegionalDomainName": host}


def sends_events(resource: Resource) -> bool:
    """Return True for a bucket that tells EventBridge of its objects."""
    bridge = resource.properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {})
    return bridge.get("EventBridgeEnabled") in (True, "true")


def name_of(resource: Resource) -> str:
    """Return the name of a bucket of the template."""
    return str(resource.properties.get("BucketName", bucket_name(resource.logical_id)))


def bucket_name(logical_id: str) -> str:
    """Return a valid S3 name: PrivateBucket becomes private-bucket."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", logical_id).lower()[:MAX_NAME]


def without_tls(policy: str) -> str:
    """Use HTTP for this machine's sources in a security policy: the local AWS has no TLS."""
    return re.sub(r"https://(?=(127\.0\.0\.1|localhost)(:|\s|;|$))", "http://", policy)


def _cors_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {_CORS.get(name, name): value for name, value in rule.items()}
