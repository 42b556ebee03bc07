"""Routes of cards."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.backlog.items import items
from groundwork.api.deps import Limit, Token, new_router
from groundwork.api.http import answers
from groundwork.backlog.model import Card
from groundwork.backlog.requests import CardPatch
from groundwork.ids import Kind, Path
from groundwork.runs.schemas import ListPage

router = new_router()


@router.get(
    "/api/projects/<project_id>/cards",
    tags=["cards"],
    operation_id="listCards",
    summary="List the cards of a project",
    responses=answers(ListPage[Card]),
)
def list_cards(project_id: str, limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    return items(router).page(Kind.CARD, Path(Kind.PROJECT, project_id), limit, next_token)


@router.get(
    "/api/cards/<card_id>", tags=["cards"], operation_id="getCard", summary="Get a card", responses=answers(Card)
)
def get_card(card_id: str) -> dict[str, Any]:
    return items(router).get(Kind.CARD, card_id)


@router.patch(
    "/api/cards/<card_id>", tags=["cards"], operation_id="updateCard", summary="Update a card", responses=answers(Card)
)
def patch_card(card_id: str, body: CardPatch) -> dict[str, Any]:
    return items(router).patch(Kind.CARD, card_id, body)


@router.delete(
    "/api/cards/<card_id>", status_code=204, tags=["cards"], operation_id="deleteCard", summary="Delete a card"
)
def delete_card(card_id: str) -> Response[str]:
    return items(router).delete(Kind.CARD, card_id)
