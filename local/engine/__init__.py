"""DynamoDB Local, AWS's own engine, with its files in the local system's data folder."""
