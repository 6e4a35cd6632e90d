"""Environment variables, asked of the program itself: it knows its keys, and refuses what it cannot read."""

import os
import subprocess

from objects import data_of, pods

PREFIX = "AIPOTEN__"
# What a role cannot start without.
REQUIRED = {
    "gateway": ["BROKER__URL", "REDIS__URL", "GATEWAY__CSRF_KEY"],
    "identity": [
        "BROKER__URL", "REDIS__URL", "IDENTITY__DATABASE__URL", "IDENTITY__ENCRYPTION__KEYS", "IDENTITY__ENCRYPTION__ACTIVE",
        "IDENTITY__SERVICE_SECRETS",
    ],
    "content": ["BROKER__URL", "CONTENT__DATABASE__URL"],
    "matching": ["BROKER__URL", "MATCHING__DATABASE__URL", "MATCHING__ENCRYPTION__KEYS", "MATCHING__ENCRYPTION__ACTIVE"],
    "billing": ["BROKER__URL", "BILLING__DATABASE__URL", "BILLING__ENCRYPTION__KEYS", "BILLING__ENCRYPTION__ACTIVE"],
    "notification": [
        "BROKER__URL", "NOTIFICATION__DATABASE__URL", "NOTIFICATION__ENCRYPTION__KEYS", "NOTIFICATION__ENCRYPTION__ACTIVE",
        "NOTIFICATION__SERVICE_SECRET", "NOTIFICATION__UNSUBSCRIBE_KEY",
    ],
    "migrate": [f"{it}__DATABASE__OWNER_URL" for it in ("IDENTITY", "CONTENT", "MATCHING", "BILLING", "NOTIFICATION")],
    "seed": [f"{it}__DATABASE__URL" for it in ("IDENTITY", "CONTENT", "MATCHING")],
    "sandbox-provider": ["SANDBOX__LISTEN", "SANDBOX__SECRET_KEY"],
    "check-invariants": [f"{it}__DATABASE__URL" for it in ("IDENTITY", "CONTENT", "MATCHING", "BILLING", "NOTIFICATION")],
    "check-links": ["CONTENT__DATABASE__URL"],
    "check-audit": ["IDENTITY__DATABASE__URL", "IDENTITY__ENCRYPTION__KEYS", "IDENTITY__ENCRYPTION__ACTIVE"],
}


class Program:
    """The built executable."""

    def __init__(self, path):
        self.path = path
        self.defaults = self.config({})
        self.commands = self.help()

    def config(self, variables):
        """Every variable with the value that is in force; raises with the program's own words."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIPOTEN_")}
        done = subprocess.run([self.path, "config"], env=environment | variables, capture_output=True, text=True)
        if done.returncode != 0:
            raise ValueError(done.stderr.strip().splitlines()[0].removeprefix("Error: "))
        lines = (line.partition("  # ")[0].partition("=") for line in done.stdout.splitlines())
        return {name: value for name, _, value in lines}

    def help(self):
        done = subprocess.run([self.path, "--help"], capture_output=True, text=True, check=True)
        block = done.stdout.partition("Commands:\n")[2].partition("\n\n")[0]
        return {line.split()[0] for line in block.splitlines() if line.startswith("  ") and not line.startswith("   ")}

    def roles(self):
        """What listens is a role; the operations port is everybody's, and the sandbox is for development alone."""
        listen = {name.split("__")[1].lower() for name in self.defaults if name.endswith("__LISTEN")}
        return listen - {"ops", "sandbox"}


def check_container(program, where, command, variables):
    """What is wrong with the variables of one container; `variables` maps names to values, without _FILE."""
    ours = {name: value for name, value in variables.items() if name.startswith(PREFIX)}
    for name in sorted(ours.keys() - program.defaults.keys()):
        yield f"{where}: the program knows no variable {name}"
    known = {name: value for name, value in ours.items() if name in program.defaults}
    try:
        program.config(known)
    except ValueError as refused:
        yield f"{where}: the program refuses its variables: {refused}"
    if command not in program.commands:
        yield f"{where}: the program knows no command {command}"
    for name in REQUIRED.get(command, []):
        if not variables.get(PREFIX + name):
            yield f"{where}: {PREFIX}{name} is missing"


def check(objects, program):
    maps, secrets = data_of(objects, "ConfigMap"), data_of(objects, "Secret")
    running = set()
    for pod in pods(objects):
        for container in pod.containers():
            if container["image"].rpartition("/")[2].partition(":")[0] != "aipoten":
                continue
            where, command = f"{pod.title}, container {container['name']}", container["args"][0]
            running.add(command)
            variables = dict(it for source in container.get("envFrom", []) for it in maps.get(source["configMapRef"]["name"], {}).items())
            for variable in container.get("env", []):
                name, value = variable["name"], variable["value"]
                if name.endswith("_FILE"):
                    name, value, problem = name.removesuffix("_FILE"), *held(pod, container, value, secrets)
                    if problem:
                        yield f"{where}: {variable['name']}: {problem}"
                variables[name] = value
            yield from check_container(program, where, command, variables)
    for role in sorted(program.roles() - running):
        yield f"the role {role} is nowhere"


def held(pod, container, path, secrets):
    """What a mounted file holds, or a stand-in where only the store of secrets knows; and what is wrong with it."""
    for mount in container.get("volumeMounts", []):
        folder, _, key = path.rpartition("/")
        if mount["mountPath"] != folder:
            continue
        source = next(it for it in pod.spec["volumes"] if it["name"] == mount["name"]).get("secret")
        if not source:
            return "", f"{path} is no secret"
        keys = {it["path"]: it["key"] for it in source["items"]} if "items" in source else None
        value = secrets.get(source["secretName"], {}).get(keys.get(key) if keys else key)
        return (value, "") if value is not None else ("", f"the Secret {source['secretName']} has no {key}")
    return "", f"nothing is mounted at {path}"
