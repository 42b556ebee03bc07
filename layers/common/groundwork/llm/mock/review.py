"""Mock of a reviewer: it reads the top of the repository, then approves. It judges nothing."""

from groundwork.llm.conversation import Block, Conversation, TurnEnd

DECIDE = "decide"


def is_review(conversation: Conversation) -> bool:
    return any(tool.name == DECIDE for tool in conversation.tools)


def turn(conversation: Conversation) -> tuple[tuple[Block, ...], TurnEnd]:
    number = sum(message.role == "assistant" for message in conversation.messages)
    if not number:
        return (_call("list", {}, number),), TurnEnd.CALLS
    decision = {"approve": True, "reason": "Approved by the mock model, which does not judge changes."}
    return (_call(DECIDE, decision, number),), TurnEnd.CALLS


def _call(name: str, given: dict[str, object], number: int) -> Block:
    return {"type": "tool_use", "id": f"toolu_review_{number}", "name": name, "input": given}
