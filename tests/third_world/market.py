"""Writes a market as a scenario, and installs its world for this process."""

import compileall
import json
import shutil
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def install(target: Path) -> Path:
    """Put the world where Python finds it, as an installed package would; return the folder for the search path."""
    info = target / "market_world-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: market-world\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[portage.world]\nmarket = market_world:WORLD\n")
    shutil.copytree(HERE / "market_world", target / "market_world", ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(target, quiet=1)  # as pip does
    sys.path.append(str(target))
    return target


def traders(count: int) -> dict[str, dict[str, float]]:
    """Return settings of ``count`` traders by name, half of them buyers."""
    found = {}
    for i in range(count // 2):
        found[f"buyer_{i}"] = {"price_usd_per_kwh": 30.0 + i % 5, "slope_usd_per_kwh2": 1.0 + 0.1 * (i % 7)}
        found[f"seller_{i}"] = {"price_usd_per_kwh": 5.0 + i % 3, "slope_usd_per_kwh2": 0.5 + 0.1 * (i % 4)}
    return found


def clearing(settings: dict[str, dict[str, float]]) -> tuple[float, float, float]:
    """Return price, amount and joint cost of one good where all buy and sell: the linear equations of supply and demand."""
    worth = [(s["price_usd_per_kwh"], s["slope_usd_per_kwh2"]) for name, s in settings.items() if name.startswith("buyer")]
    costs = [(s["price_usd_per_kwh"], s["slope_usd_per_kwh2"]) for name, s in settings.items() if name.startswith("seller")]
    price = (sum(p / b for p, b in worth) + sum(p / b for p, b in costs)) / sum(1 / b for _, b in worth + costs)
    assert all(p > price for p, _ in worth)
    assert all(p < price for p, _ in costs)
    bought = [(p - price) / b for p, b in worth]
    sold = [(price - p) / b for p, b in costs]
    joint = sum(-p * z + b * z * z / 2 for (p, b), z in zip(worth, bought, strict=True))
    joint += sum(p * z + b * z * z / 2 for (p, b), z in zip(costs, sold, strict=True))
    return price, sum(bought), joint


def write_market(
    folder: Path, settings, algorithm="ocd", algorithm_settings=None, goods=("bread",), periods=1, max_rounds=200
) -> Path:
    """Write the scenario and return its folder."""
    scenario = folder / "market"
    roles = {name: name.split("_")[0] for name in settings} | {"coordinator": "coordinator"}
    session = {"schema_version": 1, "world": "market", "name": "market", "periods": periods, "goods": list(goods)}
    session["agents"] = [{"name": name, "role": role} for name, role in roles.items()]
    entries = [_entry("broker", ".", "federates.broker --config broker.yaml")]
    for name, role in roles.items():
        (scenario / name).mkdir(parents=True, exist_ok=True)
        key, cls = ("algorithm", algorithm) if role == "coordinator" else ("operator", f"market_world:{role.capitalize()}")
        own = (algorithm_settings or {}) if role == "coordinator" else settings[name]
        _dump(scenario / name / "config.yaml", {"schema_version": 1, key: cls, "settings": own})
        module = "federates.coordinator" if role == "coordinator" else f"federates.agent {role}"
        entries.append(_entry(name, name, f"{module} --config config.yaml"))
    _dump(scenario / "scenario.yaml", session)
    limits = {"join_s": 120, "begin_s": 60, "answer_s": 60, "period_s": 60, "finish_s": 120}
    _dump(scenario / "broker.yaml", {"schema_version": 1, "limits": limits, "max_rounds": max_rounds})
    (scenario / "runner.json").write_text(json.dumps({"name": "market", "federates": entries}, indent=1))
    return scenario


def _entry(name, directory, module):
    return {"name": name, "directory": directory, "host": "localhost", "exec": f"python -u -m {module}"}


def _dump(path: Path, data) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, sort_keys=False))
