"""Promises of template.yaml, in the translated template."""

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from samtranslator.model.exceptions import InvalidDocumentException

from checks.policies import problems
from checks.routes import routes_of_template
from checks.sam import ROOT, Template, listed, resources, source, statements, translated
from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.ids import new_plan_id
from tests.deployed.grants import EXPECTED, PLAN_EXECUTOR, PROCESS_NEXT, ROLES, Grant


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


def short(resource: Any) -> str:
    """The logical id, or the end of an ARN."""
    if isinstance(resource, dict):
        value = resource.get("Ref") or resource.get("Fn::GetAtt") or resource["Fn::Sub"]
        return short(value[0] if isinstance(value, list) else value)
    if match := re.fullmatch(r"\$\{(\w+)\.Arn\}(/.*)", resource):
        return match[1] + match[2]
    return re.sub(r"^arn:.*:(?=function:|project/|secret:|stateMachine:|execution:|schedule/)", "", resource)


def granted(role: Mapping[str, Any]) -> set[Grant]:
    return {
        (action, short(resource), condition)
        for statement, condition in statements(role)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


@pytest.mark.parametrize("function", EXPECTED)
def test_a_function_may_do_exactly_what_it_needs(template: Template, function: str) -> None:
    assert granted(resources(template, "AWS::IAM::Role")[f"{function}Role"]) == EXPECTED[function]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_of_what_is_no_function_may_do_exactly_what_it_needs(template: Template, role: str) -> None:
    assert granted(resources(template, "AWS::IAM::Role")[role]) == ROLES[role]


def test_every_function_is_expected(template: Template) -> None:
    assert resources(template, "AWS::Lambda::Function").keys() == EXPECTED.keys()


def test_no_policy_has_a_wildcard(template: Template) -> None:
    assert list(problems(template)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"Action": "dynamodb:*"},
        {"Action": ["dynamodb:GetItem", "*"]},
        {"Resource": "*"},
        {"Resource": ["arn:aws:dynamodb:eu-west-1:123456789012:table/*"]},
        {"Effect": "Deny"},
        {"NotAction": "iam:PassRole"},
    ],
)
def test_a_wildcard_in_a_policy_is_found(template: Template, change: dict[str, Any]) -> None:
    broken = copy.deepcopy(template)
    role = resources(broken, "AWS::IAM::Role")["AuthorizerFunctionRole"]
    role["Policies"][0]["PolicyDocument"]["Statement"][0] |= change
    assert len(list(problems(broken))) == 1


def test_a_managed_policy_that_we_do_not_know_is_found(template: Template) -> None:
    broken = copy.deepcopy(template)
    role = resources(broken, "AWS::IAM::Role")["AuthorizerFunctionRole"]
    role["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")
    assert len(list(problems(broken))) == 1


def test_a_mistake_in_the_template_is_found() -> None:
    broken = source()
    broken["Resources"]["ProcessNextFunction"]["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"] = {}
    with pytest.raises(InvalidDocumentException):
        translated(broken)


def test_process_next_may_call_itself(template: Template) -> None:
    assert resources(template, "AWS::Lambda::Function")["ProcessNextFunction"]["RecursiveLoop"] == "Allow"


@pytest.mark.parametrize("function", ["ProcessNextFunction", "QueueImportFunction"])
def test_an_asynchronous_event_leaves_a_letter_after_three_failures(template: Template, function: str) -> None:
    configs = resources(template, "AWS::Lambda::EventInvokeConfig").values()
    (config,) = (one for one in configs if one["FunctionName"] == {"Ref": function})
    assert config["MaximumRetryAttempts"] == 2
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}}


def test_a_file_below_imports_is_told_to_queue_import_alone(template: Template) -> None:
    rules = resources(template, "AWS::Events::Rule")
    (name,) = (name for name, rule in rules.items() if "aws.s3" in rule["EventPattern"]["source"])
    rule = rules[name]
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "PrivateBucket"}]}, "object": {"key": [{"prefix": "imports/"}]}},
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["QueueImportFunction", "Arn"]}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 86_400
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}
    # without this permission EventBridge drops the event
    (policy,) = resources(template, "AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}}
    permissions = resources(template, "AWS::Lambda::Permission").values()
    invokers = [one for one in permissions if one["Principal"] == "events.amazonaws.com"]
    assert {"Fn::GetAtt": [name, "Arn"]} in [one["SourceArn"] for one in invokers]


def test_no_other_function_may_call_itself(template: Template) -> None:
    functions = resources(template, "AWS::Lambda::Function")
    assert [name for name, function in functions.items() if "RecursiveLoop" in function] == ["ProcessNextFunction"]


def test_a_dead_letter_is_taken_by_retry_runs(template: Template) -> None:
    (mapping,) = resources(template, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["EventSourceArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert mapping["FunctionName"] == {"Ref": "RetryRunsFunction"}
    # only failed letters stay in the queue
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    timeout = resources(template, "AWS::Lambda::Function")["RetryRunsFunction"]["Timeout"]
    assert resources(template, "AWS::SQS::Queue")["DeadLetters"]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize("table", ["BacklogTable", "RunsTable", "PlansTable"])
def test_a_table_is_on_demand_recoverable_and_kept(template: Template, table: str) -> None:
    properties = resources(template, "AWS::DynamoDB::Table")[table]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
    assert template["Resources"][table]["DeletionPolicy"] == "Retain"
    assert template["Resources"][table]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("table", ["BacklogTable", "RunsTable", "PlansTable"])
def test_a_table_has_one_small_index_of_what_needs_attention(template: Template, table: str) -> None:
    (index,) = resources(template, "AWS::DynamoDB::Table")[table]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "attention"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["attention", "attentionAt"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_runs_forget_what_has_expired(template: Template) -> None:
    properties = resources(template, "AWS::DynamoDB::Table")["RunsTable"]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}


def test_every_function_logs_to_a_group_of_its_own_that_forgets(template: Template) -> None:
    functions = resources(template, "AWS::Lambda::Function")
    groups = resources(template, "AWS::Logs::LogGroup")
    used = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in functions.values()]
    assert sorted(used) == sorted(groups)
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    assert {function["LoggingConfig"]["LogFormat"] for function in functions.values()} == {"JSON"}


def test_every_function_is_watched(template: Template) -> None:
    alarm = resources(template, "AWS::CloudWatch::Alarm")["FunctionErrorAlarm"]
    watched = {
        metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"]
        for metric in alarm["Metrics"]
        if "MetricStat" in metric
    }
    assert watched == EXPECTED.keys()


def test_every_function_runs_python_3_13_without_tracing_on_the_chosen_processor(template: Template) -> None:
    for function in resources(template, "AWS::Lambda::Function").values():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == [{"Ref": "Architecture"}]
        assert "TracingConfig" not in function
    assert template["Parameters"]["Architecture"]["Default"] == "arm64"


def test_every_route_but_health_asks_the_authorizer(template: Template) -> None:
    open_routes = [(route.method, route.path) for route in routes_of_template(template) if route.open]
    assert open_routes == [("GET", "/api/health")]


def test_the_authorizer_answers_simply_and_by_the_authorization_header(template: Template) -> None:
    body = resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"]
    authorizer = body["components"]["securitySchemes"]["AdminToken"]["x-amazon-apigateway-authorizer"]
    assert authorizer["identitySource"] == ["$request.header.Authorization"]
    assert authorizer["authorizerPayloadFormatVersion"] == "2.0"
    assert authorizer["enableSimpleResponses"] is True
    assert authorizer["authorizerResultTtlInSeconds"] <= 300
    allowed = resources(template, "AWS::Lambda::Permission").values()
    assert {"Fn::GetAtt": ["AuthorizerFunction", "Arn"]} in [permission["FunctionName"] for permission in allowed]


def test_cors_allows_the_origins_given(template: Template) -> None:
    conditional = resources(template, "AWS::ApiGatewayV2::Api")["Api"]["Body"]["x-amazon-apigateway-cors"]
    condition, cors, otherwise = conditional["Fn::If"]
    assert (condition, otherwise) == ("HasAllowedOrigins", {"Ref": "AWS::NoValue"})
    assert cors["allowOrigins"] == {"Fn::Split": [",", template["Parameters"]["AllowedOrigins"]["Default"]]}
    sent = {"authorization", "content-encoding", "idempotency-key", "if-match", "if-none-match", "x-groundwork-author"}
    assert sent <= set(cors["allowHeaders"])
    assert {"etag", "x-request-id"} <= set(cors["exposeHeaders"])


def test_a_browser_or_client_cannot_flood_the_api(template: Template) -> None:
    (stage,) = resources(template, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"].keys() == {"ThrottlingBurstLimit", "ThrottlingRateLimit"}


def test_two_stacks_fit_in_one_account(template: Template) -> None:
    named = {
        f"{logical_id}.{name}": properties[name]
        for logical_id, resource in template["Resources"].items()
        if isinstance(properties := resource.get("Properties"), dict)
        for name in ("FunctionName", "TableName", "QueueName", "RoleName", "LogGroupName", "AlarmName", "Name")
        if name in properties and resource["Type"] not in REFERRING
    }
    assert named == {
        "ProcessNextFunction.FunctionName": {"Fn::Sub": PROCESS_NEXT},
        "PlanExecutorFunction.FunctionName": {"Fn::Sub": PLAN_EXECUTOR},
        # CloudFront's names are the account's, not a region's
        "DashboardRouter.Name": {"Fn::Sub": "${AWS::StackName}-${AWS::Region}-dashboard"},
    }


REFERRING = (
    "AWS::Lambda::Permission",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Logs::MetricFilter",
)


def test_a_plans_schedule_has_a_name_that_is_short_enough_in_every_stack_that_can_be_made() -> None:
    """Names have at most 64 characters, so the longest one limits the name of the stack."""
    functions = resources(source(), "AWS::Serverless::Function").values()
    named = [function["FunctionName"]["Fn::Sub"] for function in functions if "FunctionName" in function]
    longest_stack = "s" * (64 - max(len(name.replace("${AWS::StackName}", "")) for name in named))
    name = PlanTimer(longest_stack, "", "")._name(new_plan_id())
    assert name.startswith(f"{longest_stack}-")
    assert len(name) <= 64


def test_only_a_function_that_reads_a_setting_has_it() -> None:
    variables = {
        name: set(function["Environment"]["Variables"])
        for name, function in resources(source(), "AWS::Serverless::Function").items()
    }
    tables = {"GROUNDWORK_BACKLOG_TABLE", "GROUNDWORK_RUNS_TABLE"}
    model = {"GROUNDWORK_AI", "GROUNDWORK_MODEL", "GROUNDWORK_MOCK_LATENCY_MS", "GROUNDWORK_ANTHROPIC_SECRET"}
    model |= {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"}
    plans = {"GROUNDWORK_PLANS_TABLE"}
    files = {"GROUNDWORK_PRIVATE_BUCKET"}
    carrying = {"GROUNDWORK_PLAN_MACHINE", "GROUNDWORK_MOST_TASKS", "GROUNDWORK_SCHEDULE_PREFIX"}
    waking = {"GROUNDWORK_PLAN_EXECUTOR", "GROUNDWORK_PLAN_EXECUTOR_ARN", "GROUNDWORK_SCHEDULE_ROLE"}
    assert variables == {
        "AuthorizerFunction": {"GROUNDWORK_TOKEN_SECRET"},
        "GetProgressFunction": tables,
        "ManageBacklogFunction": tables | plans | files,
        "ManagePlansFunction": tables | plans | model | carrying | waking | {"GROUNDWORK_PROCESS_NEXT"},
        "PlanExecutorFunction": tables | plans | model | carrying,
        "StartRunFunction": tables | plans | files | model | {"GROUNDWORK_PROCESS_NEXT"},
        "ProcessNextFunction": tables | plans | files | model,
        "QueueImportFunction": tables | files | {"GROUNDWORK_PROCESS_NEXT"},
        "RetryRunsFunction": tables | plans | files | {"GROUNDWORK_PROCESS_NEXT"},
    }


def test_no_secret_stands_in_the_template() -> None:
    parameters = source()["Parameters"]
    assert parameters["AdminToken"]["NoEcho"] is True
    functions = resources(source(), "AWS::Serverless::Function").values()
    assert not [f for f in functions if f["Environment"]["Variables"].get("ANTHROPIC_API_KEY")]


def test_every_function_of_the_template_has_its_folder() -> None:
    functions = resources(source(), "AWS::Serverless::Function").values()
    assert {Path(function["CodeUri"]).name for function in functions} <= {
        folder.name for folder in (ROOT / "functions").iterdir()
    }
