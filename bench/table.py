"""One table in Markdown, ready for `docs/benchmarks.md`."""

from collections.abc import Sequence

from bench.rounds import Samples, percentiles


def show(title: str, headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    print(f"\n{title}\n")
    print(_line(headings, widths))
    print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for line in lines:
        print(_line(line, widths))


def show_rates(title: str, unit: str, samples: dict[str, Samples], ratios: dict[str, Sequence[str]]) -> None:
    """Rates side by side; `ratios` names the lines that each of ours is divided by."""
    headings = [
        "",
        f"{unit}/s, median",
        "lowest–highest",
        "p50 ms",
        "p99 ms",
        "server µs each",
        "generator busy",
        "ratio",
    ]
    lines = []
    for name, taken in samples.items():
        if not taken.rates:
            lines.append([name, "not there", *[""] * (len(headings) - 2)])
            continue
        waits = [f"{wait:.2f}" for wait in percentiles(taken.waits)] if taken.waits else ["", ""]
        cost = f"{taken.cost * 1e6:,.1f}" if taken.cost else ""
        busy = f"{sum(taken.busy) / len(taken.busy):.0%}" if taken.busy else ""
        shares = [f"**{taken.rate / samples[other].rate:.2f}** of {other}" for other in ratios.get(name, ())]
        lines.append([name, f"{taken.rate:,.0f}", taken.span, *waits, cost, busy, ", ".join(shares)])
    show(title, headings, lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def conclude(wrong: Sequence[str], right: str) -> int:
    """Says whether the rows are right, and gives the exit code; figures alone never fail a bench."""
    print("\n" + ("WRONG: " + "; ".join(wrong) if wrong else right))
    return 1 if wrong else 0
