"""Critical path, width and makespan, compared with slow, obvious computations."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from groundwork.plans.graph import SECONDS, Graph, critical_path, makespan, max_antichain, schedule
from groundwork.plans.model import Plan
from tests.plans.plans import draft, id_of, phase, plan_of, plans


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 8))
    return {
        str(node): [str(other) for other in range(node) if draw(st.booleans()) and draw(st.booleans())]
        for node in range(count)
    }


def below(graph: Graph, node: str) -> set[str]:
    return {deeper for other in graph[node] for deeper in (other, *below(graph, other))}


def widest_by_trying(graph: Graph) -> int:
    for size in range(len(graph), 0, -1):
        for group in combinations(graph, size):
            if not any(set(group) & below(graph, node) for node in group):
                return size
    return 0


@given(graphs())
def test_the_width_is_the_largest_set_without_a_dependency(graph: Graph) -> None:
    assert max_antichain(graph) == widest_by_trying(graph)


@given(graphs())
def test_the_critical_path_is_a_chain_and_no_chain_costs_more(graph: Graph) -> None:
    costs = {node: float(int(node) % 3 + 1) for node in graph}
    path, total = critical_path(graph, costs)
    assert all(earlier in graph[later] for earlier, later in pairwise(path))
    assert total == sum(costs[node] for node in path)

    def longest(node: str) -> float:
        return costs[node] + max((longest(other) for other in graph[node]), default=0)

    assert total == max((longest(node) for node in graph), default=0)


@given(graphs(), st.integers(1, 4))
def test_time_lies_between_the_critical_path_and_all_the_work(graph: Graph, slots: int) -> None:
    costs = {node: float(int(node) % 3 + 1) for node in graph}
    took = makespan(graph, costs, slots)
    assert critical_path(graph, costs)[1] <= took <= sum(costs.values())
    assert makespan(graph, costs, len(graph) + 1) == critical_path(graph, costs)[1]


@given(plans())
def test_a_plan_takes_no_less_than_its_critical_path_and_no_more_than_its_work(plan: Plan) -> None:
    found = schedule(plan)
    assert found.critical_seconds <= found.seconds <= found.work_seconds


def test_known_figures() -> None:
    plan = plan_of(
        phase("One", draft("a"), draft("b")),
        phase("Two", draft("c"), draft("d", effort="XL"), draft("e", "c"), mode="parallel"),
        max_parallel=1,
    )
    found = schedule(plan)
    assert [id_of(plan, key) for key in ("a", "b", "d")] == list(found.critical_path)
    assert found.critical_seconds == 2 * SECONDS["M"] + SECONDS["XL"]
    assert found.seconds == found.work_seconds == 4 * SECONDS["M"] + SECONDS["XL"]
    assert found.parallelism == 2


def test_500_tasks_in_a_chain_are_no_trouble() -> None:
    chain = [draft(f"t{number}", *([f"t{number - 1}"] if number else [])) for number in range(500)]
    found = schedule(plan_of(phase("One", *chain, mode="parallel")))
    assert (len(found.critical_path), found.parallelism) == (500, 1)
