"""DynamoDB adapters: rows, keys and stores. Nothing else imports pynamodb."""

import logging

# at INFO both log their configuration on every cold start, and hide the important lines
for name in ("botocore", "pynamodb"):
    logging.getLogger(name).setLevel(logging.WARNING)
