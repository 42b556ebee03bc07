"""Mock plans: from stories, a template, or the sentences of a description."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundwork.text import one_line, shorten

type Json = dict[str, Any]

_FILLING = re.compile(r"(an?|and|as|at|be|by|can|for|from|has|have|in|into|is|it|of|on|or|so|that|the|to|with)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+\s*(?:[-*•]|\d+[.)])?\s*")
_KINDS = {
    "test": re.compile(r"(^|[/_.-])tests?([/_.-]|$)"),
    "changelog": re.compile(r"changelog|history|news", re.IGNORECASE),
    "document": re.compile(r"readme|(^|/)docs?/|\.(md|rst)$", re.IGNORECASE),
}
_FOLDER = re.compile(r"/ \(\d+ files\)$")

# key, title, description, criteria, effort; {0} is the plan's subject
_BEFORE = (
    (
        "survey",
        "Find the places that {0} touches",
        "Read the code around {0} and what calls it. Write down in docs/ which modules change, which conventions they "
        "follow and what could break. Nothing else changes with this task.",
        ("The note names every module that will change, and why.", "Open questions are listed with a proposed answer."),
        "S",
    ),
    (
        "safety-net",
        "Test what must not change",
        "Add characterisation tests to the code that the survey names, where it has none. They pass before and after "
        "the change.",
        ("Each place that the survey names is covered by a test.", "The new tests pass on the present code."),
        "M",
    ),
)
_BUILD = (
    ("rules", "Build the rules of {0}", "The part without input and output, with unit tests beside it.", "L"),
    ("errors", "Say what went wrong with {0}", "Each way to fail gets its own error, with what to do about it.", "S"),
    ("storage", "Keep what {0} has to remember", "Store it so that an older version can still read its data.", "M"),
    ("interface", "Offer {0} to its users", "The command, endpoint or screen, with its empty and error cases.", "L"),
    (
        "limits",
        "Hold {0} to its limits",
        "Sizes, times and counts are checked at the edge, named in one place.",
        "S",
    ),
    ("settings", "Make {0} configurable", "One setting with a default that changes nothing for present users.", "S"),
    ("migration", "Carry over what exists", "Bring present data into the new form, with a way back.", "M"),
    ("metrics", "Count how often {0} is used and fails", "Record both without recording what users enter.", "XS"),
)
_AFTER = (
    (
        "integration",
        "Test {0} from end to end",
        "Through the real interface: usual case, limits, two failures.",
        "M",
    ),
    ("documentation", "Document {0}", "The README or the user documentation, with one example that works.", "S"),
    ("changelog", "Add {0} to the changelog", "One line, in the form the changelog has.", "XS"),
)


def plan(material: Mapping[str, Any]) -> Json:
    if stories := list(material.get("stories") or ()):
        phases = _from_stories(stories, int(material["tasks_wanted"]["most"]))
    elif template := material.get("template"):
        phases = [_from_template(phase) for phase in template["phases"]]
    else:
        phases = _from_description(material)
    layout = list(material["repository"]["layout"])
    for phase in phases:
        free, most = layout, 1 if phase["mode"] == "parallel" else 2
        for task in phase["tasks"]:
            task["files"] = task["files"] or likely_files(str(task["title"]), str(task["description"]), free, most)
            if phase["mode"] == "parallel":
                # never two tasks at a time in one file
                free = [path for path in free if path not in task["files"]]
    return {"phases": phases}


def _from_stories(stories: Sequence[Mapping[str, Any]], most: int) -> list[Json]:
    phases = [_from_story(story) for story in stories]
    if sum(len(phase["tasks"]) for phase in phases) < most:
        tasks = [_filled(_AFTER[0], "the stories together", [])]
        phases.append(phase_of("Make sure that it holds together", "What no story says by itself.", "manual", tasks))
    return phases


def _from_story(story: Mapping[str, Any]) -> Json:
    """A phase: the story's other subtasks depend on its first one."""
    title, want = str(story["title"]), str(story.get("want") or "")
    parts = list(story["subtasks"]) or [{"ref": story["ref"], "title": title, "effort": story["effort"]}]
    criteria = list(story["acceptance_criteria"]) or [f"{title} can be tried out."]
    # the ref keeps keys unique if titles begin alike
    keys = [key_of(f"{part['ref']} {part['title']}") for part in parts]
    tasks = [
        task_of(
            keys[position],
            str(part["title"]),
            str(part.get("description") or f"{title}: {want}".strip(": ")),
            [str(criteria[position % len(criteria)])],
            str(part["effort"]),
            keys[:1] if position else [],
            ref=str(part["ref"]),
        )
        for position, part in enumerate(parts)
    ]
    mode = "parallel" if len(tasks) > 2 else "sequential"
    return phase_of(title, f"For the story {story['ref']}: {one_line(want or title)}.", mode, tasks)


def _from_template(phase: Mapping[str, Any]) -> Json:
    tasks = [
        task_of(
            str(task.get("key") or key_of(task["title"])),
            str(task["title"]),
            str(task.get("description") or task["title"]),
            [str(line) for line in task.get("acceptance_criteria") or ()] or ["It is done as described."],
            str(task.get("effort", "M")),
            list(task.get("depends_on") or ()),
            list(task.get("files") or ()),
        )
        for task in phase.get("tasks") or ()
    ]
    about = str(phase.get("description") or f"{len(tasks)} steps of the template.")
    return phase_of(str(phase["title"]), about, str(phase.get("mode", "sequential")), tasks, phase.get("pause_after"))


def _from_description(material: Mapping[str, Any]) -> list[Json]:
    """Return one task per sentence of the description; templates fill up a short one."""
    fewest, most = material["tasks_wanted"]["fewest"], material["tasks_wanted"]["most"]
    title = str(material["plan"]["title"])
    what = shorten(one_line(title), 60)
    what = what[:1].lower() + what[1:] if not what[:2].isupper() else what
    points = [one_line(part).lstrip("-*• ") for part in _SENTENCE.split(str(material["plan"]["description"]))]
    points = [point for point in points if len(point.split()) > 2]
    before, after = (_BEFORE, _AFTER) if most >= 8 else (_BEFORE[:1], _AFTER[:1])
    rest = len(before) + len(after)
    points = points[: most - rest]
    missing = max(3 - len(points), fewest - rest - len(points))
    forms = _BUILD[: max(0, missing)]
    first = [_filled(form, what, [before[position - 1][0]] if position else []) for position, form in enumerate(before)]
    ground = [first[-1]["key"]]
    middle = [_of_point(point, title, ground) for point in points] + [_filled(form, what, ground) for form in forms]
    _distinct(middle, {form[0] for form in (*before, *after)})
    built = [task["key"] for task in middle]
    last = [_filled(form, what, built) for form in after]
    phases = [
        phase_of("Know what changes", "So that nothing is broken that nobody thought of.", "sequential", first, True),
        phase_of(f"Build {what}", "Each part by itself, with its tests.", "parallel", middle),
    ]
    return [*phases, phase_of("Make sure and tell", "The whole, from outside.", "sequential", last, True)]


def _of_point(point: str, title: str, needs: list[str]) -> Json:
    short = shorten(point.rstrip("."), 90)
    criteria = [f"A test shows: {shorten(point, 200)}", "All tests that passed before still pass."]
    effort = ("S", "M", "L")[min(2, len(point.split()) // 12)]
    return task_of(key_of(point), short, f"{point} This is part of: {title}.", criteria, effort, needs)


def _filled(form: tuple[Any, ...], what: str, needs: list[str]) -> Json:
    key, title, description, *criteria, effort = form
    lines = list(criteria[0]) if criteria else ["A test that fails without this task passes with it."]
    return task_of(key, title.format(what), description.format(what), lines, effort, needs)


def _distinct(tasks: Iterable[Json], taken: set[Any]) -> None:
    for task in tasks:
        stem, number = task["key"], 2
        while task["key"] in taken:
            task["key"], number = f"{stem}-{number}", number + 1
        taken.add(task["key"])


def phase_of(title: str, description: str, mode: str, tasks: list[Json], pause_after: Any = False) -> Json:
    short = shorten(title, 100)
    return {
        "title": short,
        "description": description,
        "mode": mode,
        "pause_after": bool(pause_after),
        "tasks": tasks,
    }


def task_of(
    key: str,
    title: str,
    description: str,
    criteria: Sequence[str],
    effort: str,
    needs: Sequence[str],
    files: Sequence[str] = (),
    ref: str = "",
) -> Json:
    return {
        "key": key,
        "title": shorten(title, 110),
        "description": shorten(description, 1_900),
        "acceptance_criteria": [shorten(one_line(line), 280) for line in criteria],
        "effort": effort,
        "files": list(files),
        "depends_on": list(needs),
        "ref": ref,
    }


def key_of(text: str) -> str:
    words = [word for word in words_of(text) if not _FILLING.fullmatch(word)] or words_of(text) or ["task"]
    return "-".join(words[:4])[:30].rstrip("-")


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.casefold())


def likely_files(title: str, description: str, layout: Sequence[str], most: int) -> list[str]:
    """Return the files of the layout with the most words of the texts in their names."""
    verb = (words_of(title) or [""])[0]
    kind = "changelog" if "changelog" in title else verb if verb in _KINDS else ""
    words = {word for word in words_of(f"{title} {description}") if len(word) > 3}
    files = [path for path in layout if not _FOLDER.search(path) and _kind_of(path) == kind]
    found = [(len(words & set(words_of(path))) or (kind != ""), path) for path in files]
    # of several READMEs the one nearest to the top
    near = kind in ("document", "changelog")
    best = sorted((pair for pair in found if pair[0]), key=lambda p: (p[1].count("/") if near else 0, -p[0], p[1]))
    return [path for _, path in best[:most]]


def _kind_of(path: str) -> str:
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(path)), "")
