"""Run handlers, one module per run type."""
