"""Paths of the dashboard, each with the file for its answer.

CloudFront's function and the local system must agree on it.
"""

PATHS = [
    ("/", "/index.html"),
    ("/index.html", "/index.html"),
    ("/projects", "/index.html"),
    ("/projects/", "/index.html"),
    ("/projects/k3v9x2m4q8/runs/k3v9x2m4q8-R12", "/index.html"),
    ("/api", "/index.html"),
    ("/v1.2/projects", "/index.html"),
    ("/assets/index-B1x.js", "/assets/index-B1x.js"),
    ("/assets/gone.js", "/assets/gone.js"),
    ("/projects/favicon.svg", "/projects/favicon.svg"),
]
