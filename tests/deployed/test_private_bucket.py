"""The private bucket: no way in but a presigned URL, and nothing stays in it for ever."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from checks.sam import Template, listed, resources, statements, translated

BUCKET = "PrivateBucket"
DAYS = {"imports/": 14, "uploads/": 14, "staged/": 14, "checkouts/": 7, "diffs/": 90, "setups/": 30}


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


@pytest.fixture(scope="module")
def bucket(template: Template) -> dict[str, Any]:
    return dict(resources(template, "AWS::S3::Bucket")[BUCKET])


def ways_in(template: Template) -> Iterator[str]:
    """List access to the bucket without a presigned URL, a line each."""
    for name, distribution in resources(template, "AWS::CloudFront::Distribution").items():
        origins = distribution["DistributionConfig"]["Origins"]
        yield from (f"{name} has an origin there" for origin in origins if BUCKET in json.dumps(origin))
    for name, policy in resources(template, "AWS::S3::BucketPolicy").items():
        yield from (f"{name} allows {action}" for action in allowed(policy))
    if {"WebsiteConfiguration", "AccessControl"} & resources(template, "AWS::S3::Bucket")[BUCKET].keys():
        yield "it is a website, or has an access control list"
    if BUCKET in json.dumps(resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["paths"]):
        yield "the API has a route to it"


def allowed(policy: Mapping[str, Any]) -> list[str]:
    """Return the actions allowed by a bucket policy."""
    return [
        statement["Action"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] != "Deny" and BUCKET in json.dumps([policy["Bucket"], statement["Resource"]])
    ]


def test_there_is_no_way_in(template: Template) -> None:
    assert list(ways_in(template)) == []


def broken(template: Template, kind: str) -> Template:
    """The template with one way in added."""
    made = copy.deepcopy(template)
    found = made["Resources"]
    if kind == "origin":
        origins = found["Dashboard"]["Properties"]["DistributionConfig"]["Origins"]
        origins.append({"Id": "more", "DomainName": {"Fn::GetAtt": [BUCKET, "RegionalDomainName"]}})
    elif kind == "policy of its own":
        statement = found["PrivateBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
        statement |= {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}}
    elif kind == "policy of the dashboard":
        policy = found["DashboardBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
        policy["Resource"] = {"Fn::Sub": f"${{{BUCKET}.Arn}}/*"}
    else:
        found[BUCKET]["Properties"]["WebsiteConfiguration"] = {"IndexDocument": "index.html"}
    return made


@pytest.mark.parametrize("kind", ["origin", "policy of its own", "policy of the dashboard", "website"])
def test_a_way_in_is_found(template: Template, kind: str) -> None:
    assert len(list(ways_in(broken(template, kind)))) == 1


def test_every_s3_origin_of_the_distribution_is_the_dashboard_s_bucket(template: Template) -> None:
    origins = resources(template, "AWS::CloudFront::Distribution")["Dashboard"]["DistributionConfig"]["Origins"]
    found = [origin["DomainName"] for origin in origins if "S3OriginConfig" in origin]
    assert found == [{"Fn::GetAtt": ["DashboardBucket", "RegionalDomainName"]}]


def test_a_role_reaches_files_by_their_prefixes_alone(template: Template) -> None:
    reached = {
        json.dumps(resource)
        for role in resources(template, "AWS::IAM::Role").values()
        for statement, _ in statements(role)
        for resource in listed(statement["Resource"])
        if BUCKET in json.dumps(resource)
    }
    prefixes = ("imports", "setups", "staged", "uploads")
    assert reached == {json.dumps({"Fn::Sub": f"${{{BUCKET}.Arn}}/{prefix}/*"}) for prefix in prefixes}


def test_it_is_closed_to_the_public_and_encrypted(bucket: dict[str, Any]) -> None:
    blocked = bucket["PublicAccessBlockConfiguration"]
    assert blocked.keys() == {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}
    assert set(blocked.values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_it_answers_by_tls_only(template: Template) -> None:
    policy = resources(template, "AWS::S3::BucketPolicy")["PrivateBucketPolicy"]
    assert policy["Bucket"] == {"Ref": BUCKET}
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [{"Fn::GetAtt": [BUCKET, "Arn"]}, {"Fn::Sub": f"${{{BUCKET}.Arn}}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_prefix_has_a_lifecycle_of_its_own(bucket: dict[str, Any]) -> None:
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == DAYS
    # an expired object only becomes an old version
    old = {rule["Prefix"] for rule in rules if "NoncurrentVersionExpiration" in rule}
    assert old == DAYS.keys()
    assert [rule for rule in rules if rule.get("ExpiredObjectDeleteMarker")]
    (unfinished,) = (rule for rule in rules if "AbortIncompleteMultipartUpload" in rule)
    assert "Prefix" not in unfinished


def test_it_keeps_versions_and_tells_eventbridge(bucket: dict[str, Any]) -> None:
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    # a notification to a function of this stack would be circular
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_it_stays_when_the_stack_goes_but_not_after_a_first_deployment_that_fails(template: Template) -> None:
    assert template["Resources"][BUCKET]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert template["Resources"][BUCKET]["UpdateReplacePolicy"] == "Retain"


def test_a_page_of_any_origin_may_put_and_no_more(bucket: dict[str, Any]) -> None:
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["*"], ["PUT"])
    assert "content-type" in rule["AllowedHeaders"]


def test_the_dashboard_may_connect_to_itself_and_the_bucket_alone(template: Template) -> None:
    policy = resources(template, "AWS::CloudFront::ResponseHeadersPolicy")["DashboardHeaders"]
    rules = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    text = rules["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
    (sources,) = (rule.split()[1:] for rule in text.split(";") if rule.split()[0] == "connect-src")
    assert sources == ["'self'", f"https://${{{BUCKET}.RegionalDomainName}}"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-southeast-7"])
def test_a_presigned_url_has_the_regional_origin(region: str) -> None:
    """boto3 defaults to the global host, and the dashboard may not connect to it."""
    styles = {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    config = Config(signature_version="s3v4", s3=styles)  # type: ignore[arg-type]  # a TypedDict of botocore's stubs
    session = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=region)
    s3 = session.client("s3", config=config)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "a-bucket", "Key": "imports/a.csv"})
    assert urlsplit(url).netloc == f"a-bucket.s3.{region}.amazonaws.com"


def test_its_name_is_an_output(template: Template) -> None:
    assert template["Outputs"]["PrivateBucketName"]["Value"] == {"Ref": BUCKET}
