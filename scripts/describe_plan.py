"""Says in Markdown what a Terraform plan would do, for whoever reviews it: what is dangerous first, then every change.

terraform -chdir=terraform/environments/dev show -json next.tfplan > next.json
scripts/describe_plan.py next.json --environment dev
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.guard_plan import findings

LENGTH_MAX = 20_000  # three of them fit into one comment of 65,536
_VALUE_LENGTH_MAX = 120
_ACTIONS = {
    ("create",): "create",
    ("update",): "change",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("read",): "read",
    ("forget",): "forget",
}
_SIGNS = {"create": "+", "change": "~", "destroy": "-", "replace": "-/+", "read": "<=", "forget": "."}
_SHOWN = ("destroy", "replace", "change", "create", "forget")  # the gravest first; a read changes nothing
_UNKNOWN = "known after apply"
_HIDDEN = "sensitive"


def described(plan: Mapping[str, Any], environment: str) -> str:
    """plan: what `terraform show -json` says of a plan. At most LENGTH_MAX characters."""
    rows = [(action, row) for row in plan.get("resource_changes", []) if (action := _action(row)) in _SHOWN]
    rows.sort(key=lambda pair: (_SHOWN.index(pair[0]), pair[1]["address"]))
    counts = Counter(action for action, _ in rows)
    summary = ", ".join(f"{counts[action]} to {action}" for action in _SHOWN if counts[action]) or "no changes"
    lines = [f"### {environment}: {summary}", ""]
    if grave := [f"- `{found.address}` {found.text}" for found in findings(plan)]:
        lines += ["**Refused unless it is accepted by address (`scripts/guard_plan.py --accept`):**", "", *grave, ""]
    if rows:
        lines += ["<details><summary>every change</summary>", "", "```diff"]
        lines += [line for action, row in rows for line in _change(action, row)]
        lines += ["```", "", "</details>", ""]
    return _clipped(lines)


def _action(row: Mapping[str, Any]) -> str:
    """In a word; "" for what stays as it is."""
    return _ACTIONS.get(tuple(row["change"]["actions"]), "")


def _change(action: str, row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_SIGNS[action]} {row['address']}"
    if action not in ("change", "replace"):
        return
    change = row["change"]
    before, after = _leaves(change.get("before")), _leaves(change.get("after"))
    unknown, hidden = _marks(change.get("after_unknown")), _marks(change.get("before_sensitive"))
    hidden |= _marks(change.get("after_sensitive"))
    forcing = {".".join(map(str, path)) for path in change.get("replace_paths") or ()}
    for name in sorted(before.keys() | after.keys() | unknown):
        old, new = before.get(name), after.get(name)
        comes_later = _covered(name, unknown)
        if old == new and not comes_later:
            continue
        if _covered(name, hidden):
            was, becomes = _HIDDEN, _HIDDEN
        else:
            was, becomes = _value(old), _UNKNOWN if comes_later else _value(new)
        why = " (forces a new one)" if _covered(name, forcing) else ""
        yield f"    {name}: {was} → {becomes}{why}"


def _leaves(value: Any, where: str = "") -> dict[str, Any]:
    """Every value that is no mapping or list with something in it, by its path; JSON in a text is looked into."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {where: value}
    if isinstance(value, dict) and value:
        parts: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list) and value:
        parts = iter(enumerate(value))
    else:
        return {where: value} if where and value not in (None, [], {}) else {}
    return {
        path: leaf for key, row in parts for path, leaf in _leaves(row, f"{where}.{key}" if where else str(key)).items()
    }


def _marks(value: Any) -> set[str]:
    """The paths under which Terraform says `true`: unknown yet, or sensitive."""
    return {path for path, leaf in _leaves(value).items() if leaf is True} or ({""} if value is True else set())


def _covered(name: str, paths: set[str]) -> bool:
    return any(path == "" or name == path or name.startswith(f"{path}.") for path in paths)


def _value(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH_MAX else f"{text[: _VALUE_LENGTH_MAX - 1]}…"


def _clipped(lines: list[str]) -> str:
    """Whole lines, and how many were left out."""
    whole = "\n".join(lines)
    if len(whole) <= LENGTH_MAX:
        return whole
    kept, size = 0, 0
    while size + len(lines[kept]) + 1 <= LENGTH_MAX - 100:
        size += len(lines[kept]) + 1
        kept += 1
    left_out = len(lines) - kept
    return "\n".join([*lines[:kept], "```", "", "</details>", "", f"{left_out} more lines are in the job's log.", ""])


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path, help="the output of `terraform show -json` of a plan")
    parser.add_argument("--environment", required=True, help="named in the title")
    options = parser.parse_args()
    print(described(json.loads(options.plan.read_text()), options.environment))
    return 0


if __name__ == "__main__":
    sys.exit(main())
