"""All permissions of each function, as the template's policies must grant them."""

from collections.abc import Iterable

GET, BATCH_GET, QUERY = "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"
PUT, UPDATE, DELETE = "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"
BATCH_WRITE, CHECK = "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem"
READ = {GET, BATCH_GET, QUERY}
INVOKE = "lambda:InvokeFunction"
SECRET = "secretsmanager:GetSecretValue"

# reads of a version need a permission of their own
READ_OBJECT, PUT_OBJECT = ("s3:GetObject", "s3:GetObjectVersion"), "s3:PutObject"

Grant = tuple[str, str, str]
"""An action, its resource, and the condition in the template ('' for none)."""


def grants(actions: Iterable[str], resource: str, condition: str = "") -> set[Grant]:
    return {(action, resource, condition) for action in actions}


PROCESS_NEXT = "${AWS::StackName}-process-next"
PLAN_EXECUTOR = "${AWS::StackName}-plan-executor"
MACHINE = "stateMachine:${AWS::StackName}-plan"
START, ANSWERS = "states:StartExecution", ("states:SendTaskSuccess", "states:SendTaskFailure")
FOLLOW = ("states:DescribeExecution", "states:StopExecution")
SCHEDULE = ("scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule")
SCHEDULES = "schedule/default/${AWS::StackName}-*"
EXPECTED: dict[str, set[Grant]] = {
    "AuthorizerFunction": grants([SECRET], "TokenSecret"),
    "GetProgressFunction": grants({GET, QUERY}, "RunsTable") | grants([GET], "BacklogTable"),
    "StartRunFunction": grants(READ | {UPDATE, CHECK}, "BacklogTable")
    | grants([UPDATE], "PlansTable")
    | grants(READ | {PUT, UPDATE, DELETE, CHECK}, "RunsTable")
    | grants([QUERY], "RunsTable/index/attention")
    | grants(READ_OBJECT, "PrivateBucket/uploads/*")
    | grants(READ_OBJECT, "PrivateBucket/imports/*")
    | grants([INVOKE], "ProcessNextFunction"),
    "ManageBacklogFunction": grants(READ | {PUT, UPDATE, DELETE, BATCH_WRITE, CHECK}, "BacklogTable")
    | grants({BATCH_GET, QUERY, PUT, UPDATE, BATCH_WRITE, CHECK}, "RunsTable")
    | grants([PUT_OBJECT], "PrivateBucket/uploads/*")
    | grants({BATCH_GET, QUERY}, "PlansTable"),
    "ManagePlansFunction": grants(READ | {PUT, UPDATE, DELETE, BATCH_WRITE, CHECK}, "PlansTable")
    | grants({GET, QUERY}, "BacklogTable")
    | grants({QUERY, PUT, UPDATE, BATCH_WRITE, CHECK}, "RunsTable")
    | grants([INVOKE], "ProcessNextFunction")
    | grants([INVOKE], "PlanExecutorFunction")
    | grants([START, *ANSWERS], MACHINE)
    | grants(ANSWERS, MACHINE + "/*")
    | grants(SCHEDULE, SCHEDULES)
    | grants(["iam:PassRole"], "PlanScheduleRole"),
    "PlanExecutorFunction": grants(READ | {PUT, UPDATE, DELETE}, "PlansTable")
    | grants([QUERY], "PlansTable/index/attention")
    | grants([START, *ANSWERS], MACHINE)
    | grants(ANSWERS, MACHINE + "/*")
    | grants([INVOKE], "function:" + PLAN_EXECUTOR)
    | grants(["scheduler:DeleteSchedule"], SCHEDULES)
    | grants([SECRET], "secret:groundwork/*")
    | grants([SECRET], "AnthropicSecretArn", "HasAnthropicSecret")
    | grants(["bedrock-mantle:CreateInference"], "project/*", "UsesBedrock"),
    "ProcessNextFunction": grants(READ | {PUT, UPDATE, DELETE, CHECK}, "BacklogTable")
    | grants({GET, QUERY, PUT, UPDATE, DELETE, BATCH_WRITE}, "RunsTable")
    | grants([QUERY], "RunsTable/index/attention")
    | grants(READ_OBJECT, "PrivateBucket/uploads/*")
    | grants(READ_OBJECT, "PrivateBucket/imports/*")
    | grants([*READ_OBJECT, PUT_OBJECT, "s3:AbortMultipartUpload"], "PrivateBucket/staged/*")
    | grants(READ | {PUT, UPDATE, BATCH_WRITE}, "PlansTable")
    | grants([SECRET], "secret:groundwork/*")
    | grants([INVOKE], "function:" + PROCESS_NEXT)
    | grants(["sqs:SendMessage"], "DeadLetters")
    | grants([SECRET], "AnthropicSecretArn", "HasAnthropicSecret")
    | grants(["bedrock-mantle:CreateInference"], "project/*", "UsesBedrock"),
    "QueueImportFunction": grants([UPDATE, CHECK], "BacklogTable")
    | grants({GET, QUERY, PUT, UPDATE, CHECK}, "RunsTable")
    | grants(READ_OBJECT, "PrivateBucket/imports/*")
    | grants([INVOKE], "ProcessNextFunction")
    | grants(["sqs:SendMessage"], "DeadLetters"),
    "RetryRunsFunction": grants(READ | {UPDATE, DELETE, BATCH_WRITE, CHECK}, "BacklogTable")
    | grants(READ | {PUT, UPDATE, DELETE, BATCH_WRITE, CHECK}, "RunsTable")
    | grants({QUERY, DELETE, BATCH_WRITE}, "PlansTable")
    | grants([QUERY], "BacklogTable/index/attention")
    | grants([QUERY], "PlansTable/index/attention")
    | grants([QUERY], "RunsTable/index/attention")
    | grants(READ_OBJECT, "PrivateBucket/uploads/*")
    | grants(READ_OBJECT, "PrivateBucket/imports/*")
    | grants([INVOKE], "ProcessNextFunction")
    | grants(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "DeadLetters"),
}

ROLES: dict[str, set[Grant]] = {
    "PlanMachineRole": grants([INVOKE], "PlanExecutorFunction")
    | grants([START], MACHINE)
    | grants(FOLLOW, "execution:${AWS::StackName}-plan/*")
    | grants(FOLLOW, "execution:${AWS::StackName}-plan:*"),
    "PlanScheduleRole": grants([INVOKE], "PlanExecutorFunction"),
}
"""Permissions of other principals."""
