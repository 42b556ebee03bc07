"""Seeded repairs: small projects with a bug and its test, mended by scripted models."""
