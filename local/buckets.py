"""The template's buckets in the local AWS, with the CORS that lets a page upload to a presigned URL."""

import re
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from local.template import Resource

MAX_NAME = 63
# moto takes rules as S3's API names them; CloudFormation adds no more than this
_CORS = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}


def create_bucket(resource: Resource, s3: Any) -> dict[str, str]:
    """Create a bucket that is not there yet, and answer its attributes."""
    name = resource.properties.get("BucketName", bucket_name(resource.logical_id))
    region = s3.meta.region_name
    # S3 refuses its own default as a constraint
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    # an S3 of the user's own keeps its buckets from one start to the next
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
        s3.create_bucket(Bucket=name, **where)
    rules = resource.properties.get("CorsConfiguration", {}).get("CorsRules", [])
    if rules:
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [_cors_rule(rule) for rule in rules]})
    host = urlsplit(s3.meta.endpoint_url).netloc
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}", "DomainName": host, "RegionalDomainName": host}


def bucket_name(logical_id: str) -> str:
    """A name that S3 allows: PrivateBucket is private-bucket."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", logical_id).lower()[:MAX_NAME]


def without_tls(policy: str) -> str:
    """A content security policy whose sources on this machine are HTTP, as the local AWS is."""
    return re.sub(r"https://(?=(127\.0\.0\.1|localhost)(:|\s|;|$))", "http://", policy)


def _cors_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {_CORS.get(name, name): value for name, value in rule.items()}
