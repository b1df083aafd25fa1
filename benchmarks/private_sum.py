"""How long a private sum takes: python benchmarks/private_sum.py [--write]. One thread; 50 ms a round are allowed."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from federates.private_sum.fixed_point import from_words, to_words
from federates.private_sum.masks import Masking, total_of
from federates.private_sum.recovery import Contributor, recovered_total

_PAGE = Path(__file__).with_suffix(".md")
_NUMBERS, _REPEATS = 96, 5


def milliseconds(work: Callable[[], object]) -> float:
    """Return the processor time of ``work``, ms."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


def round_ms(contributors: int, repeats: int = _REPEATS) -> dict[str, float]:
    """Return the best times of a sum of 96 numbers of each, ms: everything of all of them, in one process."""
    all_ = {f"f{number:02}": Masking(f"f{number:02}") for number in range(contributors)}
    keys = {name: one.public_key for name, one in all_.items()}
    agree_ms = milliseconds(lambda: [one.agree(keys, b"run|0") for one in all_.values()]) / contributors
    values = np.random.default_rng(1).uniform(0.0, 1e4, (contributors, _NUMBERS))
    mask_ms, total_ms = [], []
    for repeat in range(repeats):
        label, masked = str(repeat).encode(), {}
        words = {name: to_words(row, 6) for name, row in zip(all_, values, strict=True)}
        mask_ms.append(milliseconds(lambda m=masked, w=words, at=label: m.update({n: o.mask(w[n], at) for n, o in all_.items()})))
        total_ms.append(milliseconds(lambda m=masked: from_words(total_of(m, tuple(all_)), 6)))
    mask, total = min(mask_ms), min(total_ms)
    return {"agree, each": agree_ms, "mask, each": mask / contributors, "total": total, "round, all": mask + total}


def recovery_ms(contributors: int) -> dict[str, float]:
    """Return the times of one sum with recovery, ms, of each contributor and of the collector, with one lost."""
    all_ = {f"f{number:02}": Contributor(f"f{number:02}", b"l") for number in range(contributors)}
    keys, sealed, masked = {name: one.keys for name, one in all_.items()}, {}, {}
    share = milliseconds(lambda: sealed.update({name: one.share(keys) for name, one in all_.items()}))
    words = {name: to_words(np.arange(_NUMBERS), 6) for name in all_}
    got = {name: {by: sealed[by][name] for by in all_ if by != name} for name in all_}
    mask = milliseconds(lambda: masked.update({name: one.mask(words[name], got[name]) for name, one in all_.items()}))
    survivors = list(all_)[1:]
    revealed = {name: all_[name].reveal(survivors) for name in survivors}
    came = {name: masked[name] for name in survivors}
    total = milliseconds(lambda: recovered_total(b"l", keys, list(all_), came, revealed))
    return {"share, each": share / contributors, "mask, each": mask / contributors, "total with one lost": total}


def page() -> str:
    """Return the page."""
    lines = [
        "# A private sum",
        "",
        f"Made by `python benchmarks/private_sum.py --write`, on one of {os.cpu_count()} cores. Milliseconds of processor time",
        f"for {_NUMBERS} numbers of each contributor; `round, all` is what all contributors and the collector need together, as",
        "if they had one processor; the best of five.",
        "50 ms are allowed for 64 contributors. Keys are agreed on once a period.",
        "",
    ]
    for measure, title in ((round_ms, "Masks that cancel"), (recovery_ms, "With recovery: fresh keys and shares for each sum")):
        rows = {many: measure(many) for many in (4, 8, 64)}
        names = list(rows[4])
        lines += [f"## {title}", "", f"| contributors | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
        lines += [f"| {many} | {' | '.join(f'{row[name]:.2f}' for name in names)} |" for many, row in rows.items()]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    text = page()
    print(text)
    if parser.parse_args().write:
        _PAGE.write_text(text)
