"""The built dashboard goes into a stack's bucket, on moto."""

import json
import tomllib
import uuid
from pathlib import Path
from typing import Any

import boto3
import pytest

from deploy.dashboard import NotDeployed, names_of, stack_of, upload

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def session(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    return boto3.Session()


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>the page</title>")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-B1x.js").write_text("start()")
    (tmp_path / "assets" / "index-C2y.css").write_text("body {}")
    (tmp_path / "assets" / "index-C2y.css.br").write_text("the same, for the local system")
    return tmp_path


def deployed(session: boto3.Session, **outputs: Any) -> str:
    """A stack with a bucket, as far as the upload looks at it."""
    name = f"stack-{uuid.uuid4().hex[:8]}"
    template = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    session.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))
    return name


def distribution(session: boto3.Session) -> str:
    config: dict[str, Any] = {
        "CallerReference": uuid.uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [{"Id": "files", "DomainName": "example.com"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "files", "ViewerProtocolPolicy": "https-only"},
    }
    id_: str = session.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    return id_


def invalidated(session: boto3.Session, id_: str) -> set[str]:
    cloudfront = session.client("cloudfront")
    (listed,) = cloudfront.list_invalidations(DistributionId=id_)["InvalidationList"]["Items"]
    found = cloudfront.get_invalidation(DistributionId=id_, Id=listed["Id"])
    return set(found["Invalidation"]["InvalidationBatch"]["Paths"]["Items"])


def test_every_file_is_in_the_bucket_with_its_type_and_how_long_it_may_be_kept(
    session: boto3.Session, dist: Path
) -> None:
    id_ = distribution(session)
    stack = deployed(
        session,
        DashboardBucketName={"Ref": "Bucket"},
        DashboardDistributionId=id_,
        DashboardUrl="https://example.com",
    )
    assert upload(session, stack, dist) == "https://example.com"

    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    bucket = next(one["OutputValue"] for one in described["Outputs"] if one["OutputKey"] == "DashboardBucketName")
    s3 = session.client("s3")
    objects = {name: s3.get_object(Bucket=bucket, Key=name) for name in names_of(dist)}
    assert {name: (one["ContentType"], one["CacheControl"]) for name, one in objects.items()} == {
        "index.html": ("text/html; charset=utf-8", "no-store"),
        "favicon.svg": ("image/svg+xml", "no-cache"),
        "assets/index-B1x.js": ("text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        "assets/index-C2y.css": ("text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    }
    assert objects["assets/index-B1x.js"]["Body"].read() == b"start()"
    assert invalidated(session, id_) == {"/", "/index.html", "/favicon.svg"}


def test_the_page_comes_last_so_that_what_it_asks_for_is_there(dist: Path) -> None:
    assert names_of(dist) == ["assets/index-B1x.js", "assets/index-C2y.css", "favicon.svg", "index.html"]


def test_a_dashboard_that_is_not_built_is_not_uploaded(session: boto3.Session, tmp_path: Path) -> None:
    with pytest.raises(NotDeployed, match="make web"):
        upload(session, "any", tmp_path)


def test_a_stack_from_before_the_dashboard_has_nowhere_to_upload_it_to(session: boto3.Session, dist: Path) -> None:
    stack = deployed(session, ApiUrl="https://example.com")
    with pytest.raises(NotDeployed, match=stack):
        upload(session, stack, dist)


@pytest.mark.parametrize(
    ("config_env", "stack"),
    [("default", "groundwork-dev"), ("staging", "groundwork-staging"), ("prod", "groundwork-prod")],
)
def test_the_stack_is_the_one_that_sam_deploys(config_env: str, stack: str) -> None:
    assert stack_of(tomllib.loads((ROOT / "samconfig.toml").read_text()), config_env) == (stack, None)


def test_a_region_in_samconfig_is_the_upload_s_too() -> None:
    samconfig = {"eu": {"global": {"parameters": {"stack_name": "a", "region": "eu-west-1"}}}}
    assert stack_of(samconfig, "eu") == ("a", "eu-west-1")


def test_an_environment_that_samconfig_does_not_know_is_refused() -> None:
    with pytest.raises(NotDeployed, match="elsewhere"):
        stack_of({}, "elsewhere")
