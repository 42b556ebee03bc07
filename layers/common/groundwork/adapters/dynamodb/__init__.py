"""DynamoDB: the only place that knows rows and keys. Nothing else imports pynamodb."""

import logging

# both tell at INFO, at each cold start, where they found their settings: lines that hide the ones that matter
for name in ("botocore", "pynamodb"):
    logging.getLogger(name).setLevel(logging.WARNING)
