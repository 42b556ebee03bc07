"""A parallel phase takes the time of its critical path, for any graph."""

from benchmarks.gates import gate_figures


def test_through_the_gates_a_wide_phase_takes_as_long_as_its_critical_path() -> None:
    figures = gate_figures(graphs=15, tasks=30, width=30)
    assert (figures.gates, figures.most_gates) == (1.0, 1.0)
    assert figures.waves > 1.1


def test_a_narrow_phase_takes_no_longer_than_in_waves() -> None:
    figures = gate_figures(graphs=10, tasks=30, width=3)
    assert 1.0 <= figures.gates < figures.waves < figures.one_by_one
