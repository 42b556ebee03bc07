"""Promises of template.yaml for the dashboard, in the translated template."""

import json
import shutil
import subprocess
from typing import Any

import pytest

from checks.sam import Template, resources, translated
from tests.deployed.paths import PATHS


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


@pytest.fixture(scope="module")
def distribution(template: Template) -> dict[str, Any]:
    config: dict[str, Any] = resources(template, "AWS::CloudFront::Distribution")["Dashboard"]["DistributionConfig"]
    return config


def origin(distribution: dict[str, Any], behavior: dict[str, Any]) -> dict[str, Any]:
    (found,) = (one for one in distribution["Origins"] if one["Id"] == behavior["TargetOriginId"])
    return dict(found)


def test_the_bucket_is_nobody_s_but_the_distribution_s(template: Template) -> None:
    bucket = resources(template, "AWS::S3::Bucket")["DashboardBucket"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    policy = resources(template, "AWS::S3::BucketPolicy")["DashboardBucketPolicy"]["PolicyDocument"]
    allowed = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    assert {one["Action"] for one in allowed} == {"s3:GetObject", "s3:ListBucket"}
    for one in allowed:
        assert one["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        assert one["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"].endswith(":distribution/${Dashboard}")
    (denied,) = (one for one in policy["Statement"] if one["Effect"] == "Deny")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_files_are_read_from_the_bucket_by_a_signed_request(template: Template, distribution: dict[str, Any]) -> None:
    files = origin(distribution, distribution["DefaultCacheBehavior"])
    assert files["DomainName"] == {"Fn::GetAtt": ["DashboardBucket", "RegionalDomainName"]}
    assert files["OriginAccessControlId"] == {"Fn::GetAtt": ["DashboardAccess", "Id"]}
    access = resources(template, "AWS::CloudFront::OriginAccessControl")["DashboardAccess"]
    assert access["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_the_api_is_on_the_same_origin_and_nothing_of_it_is_kept(distribution: dict[str, Any]) -> None:
    (behavior,) = distribution["CacheBehaviors"]
    assert behavior["PathPattern"] == "/api/*"
    assert origin(distribution, behavior)["DomainName"]["Fn::Sub"].startswith("${Api}.execute-api.")
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(behavior["AllowedMethods"])
    # AWS's own: CachingDisabled and AllViewerExceptHostHeader
    assert behavior["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behavior["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


def test_the_api_s_404_stays_its_own(distribution: dict[str, Any]) -> None:
    (behavior,) = distribution["CacheBehaviors"]
    assert "FunctionAssociations" not in behavior
    assert "CustomErrorResponses" not in distribution


def test_nothing_goes_out_in_the_clear(distribution: dict[str, Any]) -> None:
    (behavior,) = distribution["CacheBehaviors"]
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert distribution["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert origin(distribution, behavior)["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    condition, own, _ = distribution["ViewerCertificate"]["Fn::If"]
    assert (condition, own["MinimumProtocolVersion"]) == ("HasDashboardDomain", "TLSv1.2_2021")


def test_a_browser_is_told_to_stay_with_https(template: Template, distribution: dict[str, Any]) -> None:
    assert distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "DashboardHeaders"}
    policy = resources(template, "AWS::CloudFront::ResponseHeadersPolicy")["DashboardHeaders"]
    rules = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert rules["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    assert all(rule["Override"] for rule in rules.values())


def test_every_path_of_the_router_gets_the_page_and_every_file_itself(template: Template) -> None:
    code = resources(template, "AWS::CloudFront::Function")["DashboardRouter"]["FunctionCode"]
    node = shutil.which("node")
    assert node, "node comes with `make install`"
    asked = json.dumps([path for path, _ in PATHS])
    script = f"{code}\nconsole.log(JSON.stringify({asked}.map(uri => handler({{request: {{uri}}}}).uri)))"
    answer = subprocess.run([node, "-e", script], check=True, capture_output=True, text=True, timeout=120)
    assert json.loads(answer.stdout) == [file for _, file in PATHS]


def test_the_outputs_say_where_the_dashboard_is_and_where_its_files_go(template: Template) -> None:
    outputs = template["Outputs"]
    assert outputs["DashboardBucketName"]["Value"] == {"Ref": "DashboardBucket"}
    assert outputs["DashboardDistributionId"]["Value"] == {"Ref": "Dashboard"}
    _, variables = outputs["DashboardUrl"]["Value"]["Fn::Sub"]
    assert variables["Domain"]["Fn::If"][0] == "HasDashboardDomain"
