"""Imports of feedback files of any size: their records, their files in the bucket, their start."""
