"""Measurements of tasks, summed by repository and effort: the basis of later estimates."""

from typing import Any

from groundwork.adapters.dynamodb.client import translate_errors
from groundwork.adapters.dynamodb.list_rows import MeasureRow, measure_key
from groundwork.backlog.model import Effort
from groundwork.llm.port import Usage
from groundwork.plans.estimate import TaskMeasurements
from groundwork.plans.graph import SECONDS


class DynamoMeasures:
    """Raises Transient."""

    def of_repository(self, repository_id: str) -> dict[Effort, TaskMeasurements]:
        keys = [(repository_id, measure_key(effort)) for effort in SECONDS]
        with translate_errors():
            # for estimates an older sum is good enough, at half the price of a consistent read
            rows = {row.sk: row for row in MeasureRow.batch_get(keys)}
        found: dict[Effort, TaskMeasurements] = {}
        efforts: tuple[Effort, ...] = ("XS", "S", "M", "L", "XL")
        for effort in efforts:
            if row := rows.get(measure_key(effort)):
                counts = (row.input, row.output, row.cache_read, row.cache_write, row.calls)
                usage = Usage(*(int(count) for count in counts))
                found[effort] = TaskMeasurements(int(row.tasks), int(row.ms) / 1000, usage)
        return found

    def add(self, repository_id: str, effort: Effort, taken: TaskMeasurements) -> None:
        """Add a measurement; called once for each ended task."""
        row, usage = MeasureRow(repository_id, measure_key(effort)), taken.usage
        actions: list[Any] = [
            MeasureRow.tasks.add(taken.tasks),
            MeasureRow.ms.add(round(taken.seconds * 1000)),
            MeasureRow.input.add(usage.input),
            MeasureRow.output.add(usage.output),
            MeasureRow.cache_read.add(usage.cache_read),
            MeasureRow.cache_write.add(usage.cache_write),
            MeasureRow.calls.add(usage.calls),
        ]
        with translate_errors():
            row.update(actions=actions)
