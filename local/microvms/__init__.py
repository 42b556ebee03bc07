"""A stand-in for AWS Lambda MicroVMs: its API, its machines and the proxy to them."""

import sys
from pathlib import Path

# The machines' agent is in the layer; the rest of the local system reads the layer's path from the template.
sys.path.append(str(Path(__file__).resolve().parents[2] / "layers" / "common"))
