"""Imports of feedback files of any size: records, files in the bucket, start."""
