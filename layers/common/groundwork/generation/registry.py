"""Registration of all run types."""

from groundwork.generation.handlers.analyze_cards import AnalyzeCards
from groundwork.generation.handlers.epics import DraftReader, GenerateEpics
from groundwork.generation.handlers.generate_plan import GeneratePlan
from groundwork.generation.handlers.import_cards import ImportCards
from groundwork.generation.handlers.review_plan import ReviewPlan
from groundwork.generation.handlers.stories import GenerateStories
from groundwork.generation.handlers.subtasks import GenerateSubtasks
from groundwork.imports.ports import ImportServices
from groundwork.plans.ports import PlanServices
from groundwork.runs.handler import RunHandlers


def run_handlers(
    drafts: DraftReader | None = None, plans: PlanServices | None = None, imports: ImportServices | None = None
) -> RunHandlers:
    """Return the handlers of all run types.

    Only a worker uses the services; without them the handlers serve to start, list and describe runs.
    """
    return RunHandlers(
        [
            AnalyzeCards(),
            GenerateEpics(drafts),
            GenerateStories(),
            GenerateSubtasks(),
            GeneratePlan(plans),
            ReviewPlan(plans),
            ImportCards(imports),
        ]
    )
