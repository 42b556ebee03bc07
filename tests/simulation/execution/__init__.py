"""Simulations of plans that are carried out: the real code, on models of Step Functions, Lambda, DynamoDB and git."""
