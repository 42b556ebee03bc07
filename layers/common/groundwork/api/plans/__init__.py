"""The routes of manage_plans, by what they are about. Each module has a `router` of its own."""
