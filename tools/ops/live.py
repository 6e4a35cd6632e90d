"""Whether running processes serve every metric of deploy/observability/metrics.md, and with `--prometheus ADDRESS` whether a Prometheus
that scrapes them has what rules and dashboards name, under the labels they select by: live.py ADDRESS… [--prometheus ADDRESS], the
operations ports of all roles.

A counter is there from the start, with 0; so is every metric whose labels are known in advance.
"""

import argparse
import json
import re
import sys
import urllib.parse
import urllib.request

from monitoring import FOLDER, SERIES, dashboards, listed, named, rules

# Written by scripts, not by processes.
ELSEWHERE = re.compile(r"aipoten_(backup|restore_test)_")
# `name` | type | `label`, `label` | meaning
ROW = re.compile(r"^\| `(aipoten_\w+)` \| \w+ \|([^|]*)\|", re.M)


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("addresses", nargs="+")
    parser.add_argument("--prometheus")
    options = parser.parse_args(arguments)
    problems = [*served_and_listed(options.addresses)]
    if options.prometheus:
        problems += [*asked_for(options.prometheus), *rules_work(options.prometheus)]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"running processes: {len(problems)} problems")
    return 1 if problems else 0


def served_and_listed(addresses):
    served = {}
    for address in addresses:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line and line[0] != "#":
                    name, labels = re.match(r"(\w+)(\{.*\})?", line).groups()
                    served.setdefault(SERIES.sub("", name), set()).update(re.findall(r"(\w+)=\"", labels or ""))
    labels = {name: set(re.findall(r"`(\w+)`", text)) for name, text in ROW.findall((FOLDER / "metrics.md").read_text())}
    for name, wanted in labels.items():
        if not ELSEWHERE.match(name):
            if name not in served:
                yield f"{name} is not served"
            elif served[name] - {"le"} != wanted:
                yield f"{name} has the labels {sorted(served[name] - {'le'})}, listed are {sorted(wanted)}"
    for name in sorted(served):
        if name not in labels and name not in listed()[1]:
            yield f"{name} is not in metrics.md"


def ask(prometheus, path, **parameters):
    address = f"http://{prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]


def asked_for(prometheus):
    known = set(ask(prometheus, "label/__name__/values"))
    ours = {name for name in listed()[0] if not ELSEWHERE.match(name)}
    for where, name in sorted(set(named())):
        if (SERIES.sub("", name) in ours or name.startswith("process_")) and name not in known:
            yield f"{where}: Prometheus has no {name}"


def rules_work(prometheus):
    for group in ask(prometheus, "rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] == "err":
                yield f"{rule['name']}: {rule['lastError']}"
    expressions = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    for name, dashboard in dashboards().items():
        expressions += [(f"{name}: {panel['title']}", it["expr"]) for panel in dashboard["panels"] for it in panel["targets"]]
    for where, expression in expressions:
        try:
            ask(prometheus, "query", query=expression.replace("$role", "gateway"))
        except urllib.error.HTTPError as error:
            yield f"{where}: {json.load(error)['error']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
