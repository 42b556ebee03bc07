"""The private bucket on one machine: a page of the dashboard can upload to a presigned URL."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from werkzeug.test import Client
from werkzeug.wrappers import Response

from local.buckets import bucket_name, create_bucket, without_tls
from local.dashboard import Dashboard
from local.endpoint import AwsEndpoint
from local.resources import create_resources
from local.template import Resource, SamTemplate

ROOT = Path(__file__).resolve().parents[2]
REGION = "us-east-1"
PAGE = "http://127.0.0.1:3000"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[AwsEndpoint]:
    running = AwsEndpoint()
    yield running
    running.close()


@pytest.fixture(scope="module")
def client(endpoint: AwsEndpoint) -> Callable[[str], Any]:
    @cache
    def make(service: str) -> Any:
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=endpoint.url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(signature_version="s3v4" if service == "s3" else None),
        )

    return make


@pytest.fixture(scope="module")
def template(client: Callable[[str], Any]) -> SamTemplate:
    draft = SamTemplate(ROOT / "template.yaml", parameters={}, region=REGION)
    attributes = create_resources(draft, client, REGION)
    return SamTemplate(ROOT / "template.yaml", parameters={}, region=REGION, attributes=attributes)


@pytest.fixture
def upload(template: SamTemplate, client: Callable[[str], Any]) -> str:
    """A presigned URL for one file."""
    asked = {"Bucket": "private-bucket", "Key": "imports/reviews.csv", "ContentType": "text/csv"}
    return str(client("s3").generate_presigned_url("put_object", Params=asked, ExpiresIn=600))


def test_a_presigned_put_from_another_origin_is_stored(upload: str, client: Callable[[str], Any]) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    preflight = httpx.options(upload, headers=asked)
    assert preflight.is_success
    assert preflight.headers["access-control-allow-origin"] in ("*", PAGE)
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    put = httpx.put(upload, content=b"text\ngood\n", headers={"Origin": PAGE, "Content-Type": "text/csv"})
    assert put.status_code == 200
    assert put.headers["access-control-allow-origin"] in ("*", PAGE)
    assert "etag" in put.headers["access-control-expose-headers"]
    stored = client("s3").get_object(Bucket="private-bucket", Key="imports/reviews.csv")
    assert stored["Body"].read() == b"text\ngood\n"


def test_nothing_is_read_or_written_without_a_signature(upload: str, client: Callable[[str], Any]) -> None:
    client("s3").put_object(Bucket="private-bucket", Key="diffs/one.patch", Body=b"secret")
    unsigned = upload.partition("?")[0].replace("imports/reviews.csv", "diffs/one.patch")
    assert httpx.get(unsigned).status_code == 403
    assert client("s3").get_object(Bucket="private-bucket", Key="diffs/one.patch")["Body"].read() == b"secret"


def test_the_dashboard_may_connect_to_where_the_bucket_is(tmp_path: Path, template: SamTemplate, upload: str) -> None:
    def api(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return Response("the api")(environ, start_response)

    (tmp_path / "index.html").write_text("the page")
    policy = Client(Dashboard(tmp_path, api, template)).get("/").headers["Content-Security-Policy"]
    (sources,) = (rule.split()[1:] for rule in policy.split(";") if rule.split()[0] == "connect-src")
    origin = upload.partition("/private-bucket/")[0]
    assert sources == ["'self'", origin]


def test_a_bucket_that_is_there_already_is_kept(client: Callable[[str], Any]) -> None:
    resource = Resource("KeptBucket", "AWS::S3::Bucket", {})
    first = create_bucket(resource, client("s3"))
    client("s3").put_object(Bucket="kept-bucket", Key="a", Body=b"1")
    assert create_bucket(resource, client("s3")) == first
    assert client("s3").get_object(Bucket="kept-bucket", Key="a")["Body"].read() == b"1"


@pytest.mark.parametrize(
    ("logical_id", "name"), [("PrivateBucket", "private-bucket"), ("Files", "files"), ("A" + "b" * 70, "a" + "b" * 62)]
)
def test_a_bucket_has_a_name_that_s3_allows(logical_id: str, name: str) -> None:
    assert bucket_name(logical_id) == name


def test_only_this_machine_is_spoken_to_without_tls() -> None:
    policy = "connect-src 'self' https://127.0.0.1:4566 https://localhost:1 https://localhost.example.com.evil"
    assert without_tls("connect-src https://127.0.0.1:4566") == "connect-src http://127.0.0.1:4566"
    assert "https://b.s3.eu-west-1.amazonaws.com" in without_tls("img-src https://b.s3.eu-west-1.amazonaws.com")
    assert without_tls(policy).endswith("https://localhost.example.com.evil")
