"""DynamoDB Local, AWS's own engine, with its files in the data folder."""
