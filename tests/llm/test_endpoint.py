"""Where the Anthropic adapter sends its questions."""

import pytest

from groundwork.llm.claude import API_URL, anthropic_api


def test_an_empty_base_url_in_the_environment_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    # as in a deployment: template.yaml declares the variable, empty
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "")
    model = anthropic_api("claude-sonnet-5-5", "key", "")
    assert str(model._client.base_url) == API_URL
