"""Routes of cards."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.api.backlog.items import items
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.backlog.card_upload import read_cards
from groundwork.backlog.model import Card
from groundwork.backlog.requests import CardPatch
from groundwork.ids import Kind, Path
from groundwork.runs.schemas import Imported, ListPage

router = new_router()


@router.post(
    "/api/projects/<project_id>/cards",
    tags=["cards"],
    operation_id="importCards",
    summary="Import cards",
    responses=answers(Imported),
)
def import_cards(project_id: str) -> dict[str, Any]:
    event = router.current_event
    # keeps half a surrogate pair for read_cards to refuse
    body = (event.body or "").encode(errors="surrogatepass")
    upload = read_cards(body, event.headers.get("content-type", ""))
    imported = services(router).tables.cards.import_cards(project_id, upload.cards)
    return {
        "created": imported.created,
        "duplicates": imported.duplicates + upload.duplicates,
        "rejected": [{"row": rejected.row, "reason": rejected.reason} for rejected in upload.rejected],
    }


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
