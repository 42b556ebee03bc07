"""Read exported feedback of any tool: bytes in, cards, rejected and skipped rows out.

Pure: no network, no tables. `importer.inspect` looks at the whole file once, `importer.read` yields its rows.
"""
