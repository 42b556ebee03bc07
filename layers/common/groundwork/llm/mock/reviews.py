"""Mock reviews of plans by simple rules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundwork.llm.mock.plans import key_of, task_of
from groundwork.text import shorten

type Json = dict[str, Any]

_PROOF = "A test fails without this change and passes with it."
_LEFT = "Files that the task does not name stay as they are, apart from imports."


def refinements(material: Mapping[str, Any]) -> list[Json]:
    """Add criteria to tasks with few of them."""
    found = []
    for task in material["tasks"]:
        criteria = [str(line) for line in task["acceptance_criteria"]]
        missing = [line for line in (_PROOF, _LEFT) if line not in criteria]
        if len(criteria) >= 2 and len(str(task["description"])) >= 80:
            continue
        about = str(task["description"]).strip() or f"{task['title']}."
        steps = " Begin with the smallest change that can be tested, then cover what goes wrong."
        texts = task_of(
            "",
            str(task["title"]),
            about + steps,
            [*criteria, *missing][:5],
            str(task["effort"]),
            (),
            task["files"],
        )
        few = {0: "no criterion", 1: "one criterion"}.get(len(criteria), "so short a description")
        reason = f"With {few} nobody could tell when it is done."
        found.append(_texts(texts) | {"ref": task["ref"], "reason": reason})
    return found


# word to find in a title, and the task to add if no title has it
_NEEDED = (
    (
        ("test", "tests", "check"),
        "Test the whole from end to end",
        "Go through the real interface as users would: the usual case, the limits, and two ways to fail.",
        "M",
        "Each task is tested by itself, but nothing shows that they work together.",
    ),
    (
        ("document", "documentation", "readme", "help"),
        "Document what has changed for users",
        "Add to the README or the user documentation what is new, with one example that works.",
        "S",
        "What is built is of no use to those who do not learn of it.",
    ),
    (
        ("changelog", "note", "release"),
        "Add the change to the changelog",
        "One line in the form the changelog has, in the words of those who use it.",
        "XS",
        "Users have to be able to find out which version brought it.",
    ),
)


def additions(material: Mapping[str, Any]) -> list[Json]:
    titles = " ".join(str(task["title"]).casefold() for phase in material["phases"] for task in phase["tasks"])
    if not material["phases_open"]:
        return []
    last = material["phases_open"][-1]
    inside = [task["ref"] for phase in material["phases"] if phase["ref"] == last for task in phase["tasks"]]
    found = []
    for words, title, description, effort, reason in _NEEDED:
        if any(word in titles for word in words):
            continue
        texts = task_of("", title, description, [_PROOF if effort == "M" else "It can be read there."], effort, ())
        links = {"phase": last, "before": "", "depends_on": inside[-1:], "needed_by": []}
        found.append(_texts(texts) | links | {"reason": reason})
    return found


def ordering(material: Mapping[str, Any]) -> Json:
    """Remove needless dependencies; make phases of independent tasks parallel."""
    tasks = {task["ref"]: task for phase in material["phases"] for task in phase["tasks"]}
    files = {task["ref"]: frozenset(task["files"]) for task in material["tasks"]}
    modes = [_mode(phase) for phase in material["phases"] if _could_be_parallel(phase, files)]
    return {
        "dependencies": list(_leaner(tasks, files)),
        "moves": [],
        "orders": [],
        "modes": modes,
        "removals": list(_doubled(material["phases"], files)),
    }


def _could_be_parallel(phase: Mapping[str, Any], files: Mapping[str, frozenset[str]]) -> bool:
    inside = {task["ref"] for task in phase["tasks"]}
    chained = sum(bool(inside & set(task["depends_on"])) for task in phase["tasks"])
    touched = [files.get(ref, frozenset()) for ref in inside]
    # sessions at work at the same time would conflict in a common file
    apart = sum(map(len, touched)) == len(frozenset().union(*touched))
    return phase["mode"] == "sequential" and len(inside) > 1 and chained < len(inside) - 1 and apart


def _mode(phase: Mapping[str, Any]) -> Json:
    reason = f"The tasks of {shorten(str(phase['title']), 80)} touch different files and need not wait for each other."
    return {"phase": phase["ref"], "mode": "parallel", "reason": reason}


def _leaner(tasks: Mapping[str, Mapping[str, Any]], looked_at: Mapping[str, Any]) -> Iterator[Json]:
    for ref in looked_at:
        needs = tasks[ref]["depends_on"]
        implied = {deeper for need in needs for deeper in _all_needs(tasks, need)}
        if lean := [need for need in needs if need not in implied]:
            if len(lean) == len(needs):
                continue
            gone = ", ".join(str(tasks[need]["key"]) for need in needs if need in implied)
            reason = f"It waits for {gone} anyway, through what else it depends on."
            yield {"ref": ref, "depends_on": lean, "reason": reason}


def _all_needs(tasks: Mapping[str, Mapping[str, Any]], ref: str) -> set[str]:
    found: set[str] = set()
    todo = list(tasks[ref]["depends_on"])
    while todo:
        need = todo.pop()
        if need not in found:
            found.add(need)
            todo += tasks[need]["depends_on"]
    return found


def _doubled(phases: Sequence[Mapping[str, Any]], looked_at: Mapping[str, Any]) -> Iterator[Json]:
    """A task whose title another had before it."""
    seen: dict[str, str] = {}
    for task in (task for phase in phases for task in phase["tasks"]):
        title = str(task["title"]).casefold()
        if title in seen and task["ref"] in looked_at:
            yield {"ref": task["ref"], "reason": f"The task {seen[title]} does the same."}
        seen.setdefault(title, str(task["key"]))


_LARGE = ("L", "XL")


def splits(material: Mapping[str, Any]) -> list[Json]:
    """Split large tasks into the rules, their integration, and the tests."""
    found = []
    for task in material["tasks"]:
        if task["effort"] not in _LARGE:
            continue
        stem = key_of(str(task["title"]))[:20].rstrip("-")
        files, criteria = list(task["files"]), [str(line) for line in task["acceptance_criteria"]] or [_PROOF]
        title = shorten(str(task["title"]), 70)
        about = shorten(str(task["description"]), 1_200)
        rules = task_of(f"{stem}-rules", f"{title}: the rules", f"{about} Only the part without input and output.",
                        criteria[:1], "M", (), files[:1])  # fmt: skip
        edges = task_of(f"{stem}-edges", f"{title}: input and output", f"{about} What users and other code see of it.",
                        criteria, "S", [rules["key"]], files)  # fmt: skip
        proof = task_of(f"{stem}-failures", f"{title}: what goes wrong", "Each way to fail, with its message and test.",
                        [_PROOF], "S", [edges["key"]])  # fmt: skip
        parts = [{name: part[name] for name in part if name != "ref"} for part in (rules, edges, proof)]
        reason = f"At effort {task['effort']} it is more than one session can do and one person can review."
        found.append({"ref": task["ref"], "parts": parts, "reason": reason})
    return found


def _texts(task: Mapping[str, Any]) -> Json:
    return {name: task[name] for name in ("title", "description", "acceptance_criteria", "effort", "files")}
