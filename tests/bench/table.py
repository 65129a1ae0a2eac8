# SPDX-License-Identifier: Apache-2.0
"""The table: what was measured, its goal, and what it was measured against in the same run."""
import sys

HEAD = ("what", "VMs", "goal", "value", "measured against", "ratio", "met")
rows = []
broken = 0


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def ratio_text(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _add(*cells):
    rows.append(tuple(str(c) for c in cells))
    what, vms, goal, value, against, ratio, met = rows[-1]
    print(f"{what}, {vms} VMs: {value} ({goal}); {against}: {ratio}; {met}" if vms else
          f"{what}: {value} ({goal}); {against}: {ratio}; {met}", file=sys.stderr, flush=True)


def _vms(vms):
    return f"{vms:,}" if vms else ""


def ratio(what, vms, value, unit, reference, name, limit=None, least=None):
    """A goal that is a ratio, at most @limit or at least @least; neither: no goal, for information."""
    r = value / reference if reference else float("inf")
    goal = f"<= {limit:g} x {name}" if limit is not None else f">= {least:g} x {name}" if least is not None else "none"
    met = "" if goal == "none" else "yes" if (r <= limit if limit is not None else r >= least) else "NO"
    _add(what, _vms(vms), goal, f"{number(value)} {unit}", f"{name}: {number(reference)} {unit}", ratio_text(r), met)


def limit(what, vms, value, unit, goal, against, reference, reference_unit=None, at_least=False):
    """A goal in units; the ratio to @reference, that has the same unit, says what the value is worth on this machine."""
    met = value >= goal if at_least else value <= goal
    _add(what, _vms(vms), f"{'>=' if at_least else '<='} {number(goal)} {unit}", f"{number(value)} {unit}",
         f"{against}: {number(reference)} {reference_unit or unit}" if reference is not None else against,
         ratio_text(value / reference) if reference else "", "yes" if met else "NO")


def skip(what, vms, reason):
    """What cannot be measured here, and why."""
    _add(what, _vms(vms), "", "not measured", reason, "", "")


def breaks(what, vms, reason):
    """What was to be measured, and failed; the run then ends as failed."""
    global broken
    broken += 1
    _add(what, _vms(vms), "", "FAILED", reason, "", "")


def text():
    """With columns, for a terminal."""
    widths = [max(len(r[i]) for r in [HEAD] + rows) for i in range(len(HEAD))]
    return "\n".join("  ".join(c.rjust(w) if i in (1, 5) else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
                     for row in [HEAD] + rows) + "\n" + counts()


def counts():
    met, missed = (sum(r[6] == m for r in rows) for m in ("yes", "NO"))
    return f"{met} goals met, {missed} not met, {sum(r[3] == 'not measured' for r in rows)} rows not measured, {broken} failed\n"


def markdown():
    lines = ["| " + " | ".join(HEAD) + " |", "|---|--:|---|---|---|--:|---|"]
    lines += ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n\n" + counts()
