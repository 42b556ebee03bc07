"""Routes of plans, one module a resource."""
