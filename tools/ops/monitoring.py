"""What rules, tests, dashboards, runbooks and the list of metrics say of each other."""

import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy/observability"
# A histogram is served as three series.
SERIES = re.compile(r"_(bucket|sum|count)$")


def check():
    yield from metrics_are_listed()
    yield from alerts_are_tested()
    yield from alerts_have_runbooks()
    yield from dashboards_are_whole()
    yield from pipelines_have_parts()
    yield from targets_are_services()


def rules():
    for file in sorted((FOLDER / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def dashboards():
    return {file.name: json.loads(file.read_text()) for file in sorted((FOLDER / "grafana/dashboards").glob("*.json"))}


def listed():
    """Ours and those of others, as metrics.md has them."""
    text = (FOLDER / "metrics.md").read_text()
    ours = re.findall(r"^\| `(\w+)` \|", text, re.M)
    others = re.findall(r"`([a-zA-Z]\w+)`", text.partition("## Of the process")[2])
    return ours, others


def named():
    """Where each metric is asked for."""
    expressions = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    for name, dashboard in dashboards().items():
        expressions += [(f"{name}: {panel['title']}", it["expr"]) for panel in dashboard["panels"] for it in panel["targets"]]
    for where, expression in expressions:
        for name in names_in(expression):
            yield where, name


def names_in(expression):
    """Without what is quoted, and without the labels in braces and after by and on."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}", "{}", bare)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", bare)
    words = re.findall(r"[a-zA-Z_:][\w:]*(?!\w*\()", bare)
    return {word for word in words if ("_" in word or ":" in word or word == "up") and not re.search(rf"\b{re.escape(word)}\s*\(", bare)}


def metrics_are_listed():
    ours, others = listed()
    records = {rule["record"] for rule in rules() if "record" in rule}
    known = {*ours, *others, *records}
    for where, name in named():
        if name not in known and SERIES.sub("", name) not in known:
            yield f"{where}: the metric {name} is not in metrics.md"
    for name in {it for it in ours if ours.count(it) > 1}:
        yield f"metrics.md: {name} is there twice"


def alerts_are_tested():
    fired = set()
    for file in (FOLDER / "tests").glob("*.yaml"):
        for test in yaml.safe_load(file.read_text())["tests"]:
            fired |= {it["alertname"] for it in test["alert_rule_test"] if it["exp_alerts"]}
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    for name in sorted(alerts - fired):
        yield f"the alert {name} has no test in which it fires"
    for name in sorted(fired - alerts):
        yield f"a test waits for the alert {name}, which does not exist"


def alerts_have_runbooks():
    wanted = {(rule["annotations"]["runbook"], rule["alert"]) for rule in rules() if "alert" in rule}
    for name, alert in sorted(wanted):
        path = ROOT / name
        if not path.exists():
            yield f"{alert}: there is no {name}"
        elif f"\n## {alert}\n" not in path.read_text():
            yield f"{name}: it has no heading {alert}"
    for name in {name for name, _ in wanted}:
        if (ROOT / name).exists():
            for heading in re.findall(r"^## (\w+)$", (ROOT / name).read_text(), re.M):
                if (name, heading) not in wanted:
                    yield f"{name}: {heading} is no alert"
    for rule in rules():
        if "alert" in rule and rule["labels"]["severity"] not in ("info", "warning", "critical"):
            yield f"{rule['alert']}: its severity is none"


def dashboards_are_whole():
    uids = [it["uid"] for it in dashboards().values()]
    for name, dashboard in dashboards().items():
        if dashboard["uid"] != name.removesuffix(".json") or uids.count(dashboard["uid"]) > 1:
            yield f"{name}: its uid is not its name"
        for panel in dashboard["panels"]:
            if panel["datasource"]["uid"] != "prometheus":
                yield f"{name}: {panel['title']} asks a source that is not provided"


def pipelines_have_parts():
    collector = yaml.safe_load((FOLDER / "collector.yaml").read_text())
    for name, pipeline in collector["service"]["pipelines"].items():
        for kind, parts in pipeline.items():
            for part in set(parts) - collector[kind].keys():
                yield f"collector.yaml: {name} uses {part}, which is none of its {kind}"


def targets_are_services():
    services = set()
    for file in (ROOT / "deploy/compose.yaml", FOLDER / "compose.yaml"):
        services |= yaml.safe_load(file.read_text())["services"].keys()
    config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    targets = [t for job in config["scrape_configs"] for it in job["static_configs"] for t in it["targets"]]
    for target in targets:
        if target.partition(":")[0] not in services:
            yield f"prometheus.yaml: there is no service {target}"
