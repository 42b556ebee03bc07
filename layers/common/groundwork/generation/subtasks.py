"""GENERATE_SUBTASKS: subtasks of a story; the mode sets their number."""

from dataclasses import dataclass

from groundwork.backlog.model import Effort, Epic, Mode, Story
from groundwork.generation.answer_fields import Answer, Prose, Title, check_count, check_distinct
from groundwork.generation.prompts import write_subtasks
from groundwork.llm.port import ModelTask, Question


@dataclass(frozen=True, slots=True)
class SubtaskDraft:
    """A subtask before it has an id."""

    title: str
    description: str
    effort: Effort


class WrittenSubtask(Answer):
    title: Title
    description: Prose
    effort: Effort


class WrittenSubtasks(Answer):
    subtasks: list[WrittenSubtask]


def question(story: Story, epic: Epic, mode: Mode) -> Question:
    return Question(
        task=ModelTask.WRITE_SUBTASKS,
        instructions=write_subtasks(mode),
        material={
            "subtasks_wanted": {"fewest": mode.children[0], "most": mode.children[1]},
            "epic": {"title": epic.title, "goal": epic.goal},
            "story": {
                "title": story.title,
                "role": story.role,
                "want": story.want,
                "benefit": story.benefit,
                "acceptance_criteria": list(story.acceptance_criteria),
                "effort": story.effort,
            },
        },
        answer=WrittenSubtasks,
        max_tokens=500 + 350 * mode.children[1],
    )


def interpret(story: Story, mode: Mode, answer: WrittenSubtasks) -> list[SubtaskDraft]:
    """Raises ValueError for a count outside the mode's range or equal titles."""
    check_count("subtasks", len(answer.subtasks), *mode.children)
    check_distinct(f"subtasks of {story.code}", [subtask.title for subtask in answer.subtasks])
    return [SubtaskDraft(s.title, s.description, s.effort) for s in answer.subtasks]
