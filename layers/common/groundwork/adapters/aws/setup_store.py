"""Kept set-ups in S3, behind the port `groundwork.sandbox.keeping.SetupStore`."""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from groundwork.errors import Transient

_URL_SECONDS = 900


@cache
def s3_client() -> Any:
    import boto3

    # another program fetches the signed URL: version 4 signs all of it
    return boto3.client("s3", config=Config(signature_version="s3v4", connect_timeout=3, read_timeout=10))


class S3SetupStore:
    """Signs URLs for single objects: the sandbox moves the archive and has no credentials."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read_url(self, key: str) -> str | None:
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as exc:
            # without the permission to list, S3 answers 403 for a missing object
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return None
            raise Transient(f"S3: {exc.response['Error']['Code']}") from exc
        except BotoCoreError as exc:
            raise Transient(f"S3: {type(exc).__name__}") from exc
        return self._url("get_object", key)

    def write_url(self, key: str) -> str:
        return self._url("put_object", key)

    def _url(self, method: str, key: str) -> str:
        place = {"Bucket": self._bucket, "Key": key}
        return str(self._client.generate_presigned_url(method, Params=place, ExpiresIn=_URL_SECONDS))
