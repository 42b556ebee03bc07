"""A stand-in of AWS Lambda MicroVMs: its API, its machines and the proxy before them."""

import sys
from pathlib import Path

# the machines' agent lies in the layer; the rest of the local system knows the layer by the template alone
sys.path.append(str(Path(__file__).resolve().parents[2] / "layers" / "common"))
