"""Renders every overlay and checks its objects: against the schemas of Kubernetes and of the operators, our rules, the network's
connections, and the variables that the program knows.

  check.py PROGRAM [OVERLAY…]    PROGRAM is the built executable
  check.py rules                 makes the PrometheusRule of deploy/observability/rules
"""

import json
import subprocess
import sys

import kubernetes_validate
import yaml

import environment
import network
import rules
from objects import OVERLAYS, ROOT, names, parse, render, title

KUBERNETES = "1.32"
# Kinds of operators: what the cluster does not know by itself. Their schemas are those of tools/package.json.
CUSTOM = {
    "monitoring.coreos.com/v1",
    "external-secrets.io/v1",
    "cert-manager.io/v1",
}
# Examples alone use these; nobody publishes their schemas where this could ask them.
UNKNOWN = {"postgresql.cnpg.io/v1", "rabbitmq.com/v1beta1"}
RULES = ROOT / "k8s/components/monitoring/rules.yaml"


def prometheus_rule():
    """The rules of deploy/observability as the operator takes them."""
    files = sorted((ROOT / "deploy/observability/rules").glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "aipoten"},
        "spec": {"groups": groups},
    }


def write_rules():
    head = "# Made of deploy/observability/rules by deploy/local/k8s.sh rules.\n"
    RULES.write_text(head + yaml.safe_dump(prometheus_rule(), sort_keys=False, allow_unicode=True, width=120))


def schemas(objects):
    for it in objects:
        if it["apiVersion"] in CUSTOM | UNKNOWN:
            continue
        try:
            kubernetes_validate.validate(it, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            yield f"{title(it)}: {where}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{title(it)}: {error.message}"


def custom_schemas(objects):
    """Asked of a TypeScript compiler with the operators' types, which know every field. It takes seconds: once for all overlays."""
    custom = [it for it in objects if it["apiVersion"] in CUSTOM]
    done = subprocess.run(["node", ROOT / "tools/k8s/custom.mjs"], input=json.dumps(custom), capture_output=True, text=True)
    yield from done.stdout.splitlines()
    if done.returncode != 0 and not done.stdout:
        yield f"the operators' schemas could not be asked: {done.stderr.strip()[-500:]}"


def once(objects):
    seen = set()
    for it in objects:
        key = (it["apiVersion"], title(it), it["metadata"].get("namespace"))
        if key in seen:
            yield f"{title(it)}: it is there twice"
        seen.add(key)


def problems(objects, program):
    yield from once(objects)
    yield from rules.check(objects)
    yield from network.check(objects)
    yield from environment.check(objects, program)
    yield from schemas(objects)


def main(arguments):
    if arguments == ["rules"]:
        return write_rules()
    program = environment.Program(arguments[0])
    count, everything = 0, [it for file in sorted((ROOT / "k8s/examples").glob("*.yaml")) for it in parse(file.read_text())]
    for problem in schemas(everything):
        print(f"examples: {problem}")
        count += 1
    for name in arguments[1:] or names():
        objects = render(OVERLAYS / name)
        everything += objects
        found = list(problems(objects, program))
        for problem in found:
            print(f"{name}: {problem}")
        count += len(found)
        print(f"{name}: {len(objects)} objects, {len(found)} problems")
    for problem in sorted(set(custom_schemas(everything))):
        print(problem)
        count += 1
    if yaml.safe_load(RULES.read_text()) != prometheus_rule():
        print("the PrometheusRule is not made of today's rules: deploy/local/k8s.sh rules")
        count += 1
    return count


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
