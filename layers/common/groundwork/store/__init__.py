"""DynamoDB: the only place that knows rows and keys. Nothing else imports pynamodb."""
