"""Routes of projects and their backlog, one module a resource."""
