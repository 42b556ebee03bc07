"""API responses on runs and plans for the demo's tests."""

from typing import Any


def progress(type_: str, status: str, percent: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "runId": type_,
        "type": type_,
        "status": status,
        "phase": "GENERATING",
        "phaseDetail": "Under way",
        "progress": percent,
        "totalItems": 10,
        "completedItems": percent // 10,
        "failedItems": 0,
        "skippedItems": 0,
        "activeItems": 0,
        "artifactsCreated": 3,
        "tokens": {"input": 900, "output": 90, "cacheRead": 9, "cacheWrite": 1},
        "costUsd": 0.0123,
        "elapsedMs": 61_000,
        "estimatedRemainingMs": 5_000,
        "errorMessage": None,
        "pollAfterMs": 1_500,
        "ai": "mock",
        "model": "a-model",
        **more,
    }


def task(number: int, status: str, **more: Any) -> dict[str, Any]:
    sha = f"{number}" * 40 if status == "COMPLETED" else None
    at = f"2026-01-01T00:00:0{number}.000Z"
    return {"id": f"t{number}", "title": f"Do {number}", "status": status, "commitSha": sha, "completedAt": at} | more


def of_plan(status: str, *tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    statuses = [task["status"] for task in tasks]
    return {
        "planId": "plan",
        "status": status,
        "cause": None,
        "reason": None,
        "branch": "groundwork/plan",
        "taskCounts": {status: statuses.count(status) for status in statuses},
        "totalTasks": len(tasks),
        "progress": 100 * statuses.count("COMPLETED") // max(1, len(tasks)),
        "tasks": list(tasks),
        "tokens": {"input": 900, "output": 90, "cacheRead": 9, "cacheWrite": 1},
        "costUsd": 0.0123,
        "elapsedMs": 61_000,
        "estimatedRemainingMs": 5_000,
        "pollAfterMs": 2_000,
        **more,
    }
