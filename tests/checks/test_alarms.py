"""The alarms as CloudFormation gets them: on existing metrics, with a recipient."""

from typing import Any

import pytest

from checks.sam import Template, resources, translated
from tests.faults.alarms import matches

NAMESPACE = {"Fn::Sub": "Groundwork/${AWS::StackName}"}


@pytest.fixture(scope="module")
def template() -> Template:
    return translated()


@pytest.fixture(scope="module")
def alarms(template: Template) -> dict[str, Any]:
    return dict(resources(template, "AWS::CloudWatch::Alarm"))


def test_there_is_an_alarm_for_everything_that_a_person_should_hear_of(alarms: dict[str, Any]) -> None:
    expected = {"DeadLetterAlarm", "FunctionErrorAlarm", "ThrottleAlarm", "StaleRunAlarm", "RunGivenUpAlarm"}
    assert alarms.keys() == expected


def test_every_alarm_goes_off_at_the_first_event_and_is_quiet_without_data(alarms: dict[str, Any]) -> None:
    for alarm in alarms.values():
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert alarm["EvaluationPeriods"] == 1
        assert alarm["TreatMissingData"] == "notBreaching"


def test_every_alarm_is_published_and_mailed_where_an_address_is_given(
    template: Template, alarms: dict[str, Any]
) -> None:
    own_topic = {"Fn::If": ["HasAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}, own_topic]
    assert list(resources(template, "AWS::SNS::Topic")) == ["Alarms"]
    (mail,) = resources(template, "AWS::SNS::Subscription").values()
    assert mail == {"TopicArn": {"Ref": "Alarms"}, "Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    assert template["Resources"]["AlarmMail"]["Condition"] == "HasAlarmEmail"
    assert template["Conditions"]["HasAlarmEmail"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}
    assert template["Parameters"]["AlarmEmail"]["Default"] == ""


def test_the_dead_letter_alarm_counts_what_comes_into_the_queue(alarms: dict[str, Any]) -> None:
    alarm = alarms["DeadLetterAlarm"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/SQS", "NumberOfMessagesSent", "Sum")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}]


@pytest.mark.parametrize(("name", "metric"), [("FunctionErrorAlarm", "Errors"), ("ThrottleAlarm", "Throttles")])
def test_every_function_is_watched(template: Template, alarms: dict[str, Any], name: str, metric: str) -> None:
    asked = [its["MetricStat"] for its in alarms[name]["Metrics"] if "MetricStat" in its]
    assert {its["Stat"] for its in asked} == {"Sum"}
    assert {(its["Metric"]["Namespace"], its["Metric"]["MetricName"]) for its in asked} == {("AWS/Lambda", metric)}
    watched = [its["Metric"]["Dimensions"] for its in asked]
    functions = resources(template, "AWS::Lambda::Function")
    assert sorted(dimension[0]["Value"]["Ref"] for dimension in watched) == sorted(functions)
    assert {dimension[0]["Name"] for dimension in watched} == {"FunctionName"}
    (summed,) = [its for its in alarms[name]["Metrics"] if its.get("ReturnData", True)]
    assert summed["Expression"] == "SUM(METRICS())"


@pytest.mark.parametrize(
    ("alarm", "metric", "logs"),
    [("StaleRunAlarm", "StaleRuns", "RetryRunsLogs"), ("RunGivenUpAlarm", "RunsGivenUp", "ProcessNextLogs")],
)
def test_an_alarm_on_our_own_metric_names_one_that_is_made(
    template: Template, alarms: dict[str, Any], alarm: str, metric: str, logs: str
) -> None:
    """tests/faults/test_dead_letters.py compares the functions' own lines with these filters."""
    made = resources(template, "AWS::Logs::MetricFilter")[metric]
    (transformation,) = made["MetricTransformations"]
    assert made["LogGroupName"] == {"Ref": logs}
    assert (transformation["MetricNamespace"], transformation["MetricName"]) == (NAMESPACE, metric)
    watching = alarms[alarm]
    assert (watching["Namespace"], watching["MetricName"], watching["Statistic"]) == (NAMESPACE, metric, "Sum")
    assert "Dimensions" not in watching


def test_a_sweep_that_found_nothing_is_no_stale_run() -> None:
    pattern = '{ $.message = "Swept" && $.stale > 0 }'
    assert matches(pattern, {"message": "Swept", "stale": 2})
    assert not matches(pattern, {"message": "Swept", "stale": 0})
    assert not matches(pattern, {"message": "Hop ended", "stale": 2})
    with pytest.raises(ValueError, match="EXISTS"):
        matches("{ $.stale EXISTS }", {})
