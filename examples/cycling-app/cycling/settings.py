"""What the rider has chosen, kept in a JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass
class Settings:
    units: str = "km"
    location: str = "while riding"
    dark: bool = False


def load(path: Path) -> Settings:
    return Settings(**json.loads(path.read_text())) if path.exists() else Settings()


def save(settings: Settings, path: Path) -> None:
    path.write_text(json.dumps(asdict(settings)))
