"""Choice of AI and model, and refusals before the start of a run."""

import json
import logging
import subprocess
import sys
from dataclasses import replace

import pytest
from anthropic._data.deprecated_models import DEPRECATED_MODELS
from anthropic.types.model import Model as SdkModel

from groundwork.errors import Invalid
from groundwork.llm.factory import ai_and_model, choose, configured_ai
from groundwork.llm.port import Misconfigured, Usage
from groundwork.llm.prices import cost_micro_usd, model_table, price_of
from groundwork.settings import Settings

PLAIN = Settings.from_environment({})


def no_secret(name: str) -> str:
    raise AssertionError(f"the secret {name} was read")


def test_without_a_key_answers_come_from_the_mock_and_that_is_said_loudly(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        model = choose(PLAIN, no_secret)
    assert model.name == "mock"
    assert "MOCK" in caplog.text


def test_answers_that_cannot_be_read_are_refused_by_the_name_of_their_variable() -> None:
    with pytest.raises(Misconfigured, match="GROUNDWORK_MOCK_ANSWERS does not hold packed answers"):
        choose(replace(PLAIN, ai="mock", mock_answers="nonsense"), no_secret)


@pytest.mark.parametrize("found", ["ANTHROPIC_API_KEY", "GROUNDWORK_ANTHROPIC_SECRET"])
def test_with_a_key_or_a_secret_it_is_anthropic(found: str) -> None:
    assert configured_ai(Settings.from_environment({found: "something"})) == "anthropic"


def test_a_set_mock_wins_over_a_key_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert choose(replace(PLAIN, ai="mock", anthropic_api_key="key"), no_secret).name == "mock"
    assert caplog.text == ""


async def test_the_key_comes_from_the_secret_where_the_environment_has_none() -> None:
    settings = replace(PLAIN, ai="anthropic", anthropic_secret="arn:of:secret")
    asked: list[str] = []
    model = choose(settings, lambda name: asked.append(name) or "key\n")  # type: ignore[func-returns-value]
    assert (model.name, asked) == ("anthropic", ["arn:of:secret"])
    await model.close()


async def test_bedrock_needs_no_key() -> None:
    model = choose(replace(PLAIN, ai="bedrock"), no_secret)
    assert (model.name, model.model_id) == ("bedrock", model_table()["default"])
    await model.close()


def test_an_unknown_ai_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(Misconfigured, match="GROUNDWORK_AI must be one of mock, anthropic, bedrock, not 'gpt'"):
        choose(replace(PLAIN, ai="gpt"), no_secret)


@pytest.mark.parametrize("ai", ["gpt", "anthropic"])
def test_settings_that_cannot_work_are_refused_when_a_run_is_started(ai: str) -> None:
    with pytest.raises(Invalid, match="GROUNDWORK_AI"):
        ai_and_model(replace(PLAIN, ai=ai), None)


def test_an_empty_secret_is_said_without_a_call() -> None:
    settings = replace(PLAIN, ai="anthropic", anthropic_secret="arn")
    with pytest.raises(Misconfigured, match="GROUNDWORK_ANTHROPIC_SECRET"):
        choose(settings, lambda name: " \n")


def test_the_default_model_is_the_current_sonnet() -> None:
    assert ai_and_model(PLAIN, None) == ("mock", "claude-sonnet-5-5")


def test_what_a_run_asks_for_wins_over_the_setting() -> None:
    settings = replace(PLAIN, model="claude-opus-5-5")
    assert ai_and_model(settings, None)[1] == "claude-opus-5-5"
    assert ai_and_model(settings, "claude-haiku-4-5-20251001")[1] == "claude-haiku-4-5-20251001"


@pytest.mark.parametrize("model_id", ["claude-sonnet-4-20250514", "claude-sonnet-4-5", "anthropic.claude-sonnet-4-5"])
def test_a_deprecated_model_is_refused_with_its_replacement(model_id: str) -> None:
    with pytest.raises(Invalid, match=r"options.model: .* retired or retires soon .*2026.*use claude-sonnet-5-5"):
        ai_and_model(PLAIN, model_id)


@pytest.mark.parametrize("model_id", ["gpt-9", "claude-sonnet-5-9", "claude-opus-5-x", "claude-sonnet-5-5-latest", "x"])
def test_an_unknown_model_is_refused_before_anything_is_spent(model_id: str) -> None:
    with pytest.raises(Invalid, match="is not a known model"):
        ai_and_model(PLAIN, model_id)


def test_a_wrong_model_of_the_deployment_is_refused_by_the_name_of_its_variable() -> None:
    with pytest.raises(Invalid, match="GROUNDWORK_MODEL"):
        ai_and_model(replace(PLAIN, model="claude-2.1"), None)


def sdk_models() -> set[str]:
    literal = next(part for part in SdkModel.__args__ if part is not str)  # type: ignore[attr-defined]
    return set(literal.__args__)


def test_models_json_knows_every_model_of_the_sdk_and_its_deprecations() -> None:
    data = model_table()
    assert {name: data["deprecated"].get(name) for name in DEPRECATED_MODELS} == DEPRECATED_MODELS
    current = sdk_models() - set(DEPRECATED_MODELS) - set(data["unpriced"])
    assert [name for name in sorted(current) if not _priced(name)] == []
    assert set(data["unpriced"]) <= sdk_models() - set(data["models"])
    assert set(data["models"]) <= sdk_models()
    assert not set(data["models"]) & set(data["deprecated"])


def _priced(model_id: str) -> bool:
    try:
        return bool(price_of(model_id))
    except KeyError:
        return False


def test_a_call_costs_its_tokens_at_list_price() -> None:
    usage = Usage(input=1_000, output=2_000, cache_read=10_000, cache_write=4_000, calls=1)
    # 1,000 x 2 + 2,000 x 10 + 10,000 x 0.10 + 4,000 x 2.50 dollars a million
    assert cost_micro_usd("claude-sonnet-5-5", usage) == 2_000 + 20_000 + 1_000 + 10_000
    assert cost_micro_usd("anthropic.claude-sonnet-5-5", usage) == 33_000


def test_a_long_prompt_costs_more_where_the_model_says_so() -> None:
    short = Usage(input=100_000, output=1_000, calls=1)
    long = Usage(input=60_000, cache_read=40_001, output=1_000, calls=1)
    assert cost_micro_usd("claude-haiku-5-5", short) == 10_000 + 500
    assert cost_micro_usd("claude-haiku-5-5", long) == 30_000 + 2_000 + 2_500


def test_choosing_a_model_for_a_run_imports_no_sdk() -> None:
    code = (
        "import sys, json, groundwork.llm.factory, groundwork.generation.stories; print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONPATH": _layer()})
    loaded = json.loads(done.stdout)
    assert "groundwork.llm.prices" in loaded
    assert not {"anthropic", "boto3", "httpx2"} & set(loaded)


def _layer() -> str:
    import groundwork

    return str(groundwork.__path__[0] + "/..")
