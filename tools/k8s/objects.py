"""The objects of an overlay, and the pods that they make."""

import base64
import dataclasses
import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
KUBECTL = pathlib.Path(sys.executable).with_name("kubectl")
OVERLAYS = ROOT / "k8s/overlays"


def names():
    """Every overlay there is: a folder with a kustomization of its own; what lies below one is a part of it."""
    return sorted(path.parent.name for path in OVERLAYS.glob("*/kustomization.yaml"))


def parse(text):
    return [it for it in yaml.safe_load_all(text) if it]


def render(folder):
    """What `kubectl apply -k` would send."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{folder}: {done.stderr}")
    return parse(done.stdout)


def title(it):
    return f"{it['kind']} {it['metadata']['name']}"


@dataclasses.dataclass
class Pod:
    """A pod as its owner describes it."""

    owner: dict
    labels: dict
    spec: dict
    namespace: str

    @property
    def title(self):
        return title(self.owner)

    @property
    def name(self):
        return self.labels.get("app.kubernetes.io/name", "")

    def containers(self):
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def template(it):
    match it["kind"]:
        case "Deployment" | "StatefulSet" | "DaemonSet" | "Job":
            return it["spec"]["template"]
        case "CronJob":
            return it["spec"]["jobTemplate"]["spec"]["template"]
    return None


def pods(objects):
    for it in objects:
        if made := template(it):
            labels = made.get("metadata", {}).get("labels", {})
            yield Pod(it, labels, made["spec"], it["metadata"].get("namespace", ""))


def of_kind(objects, *kinds):
    return [it for it in objects if it["kind"] in kinds]


def data_of(objects, kind):
    """Name of a ConfigMap, or of a Secret in whatever way it comes to be -> its keys and values (a stand-in where the store alone knows)."""
    found = {}
    for it in of_kind(objects, kind):
        plain = dict(it.get("data", {})) | dict(it.get("stringData", {}))
        if kind == "Secret":
            plain = {key: base64.b64decode(value).decode() for key, value in it.get("data", {}).items()}
        found[it["metadata"]["name"]] = plain
    if kind == "Secret":
        for it in of_kind(objects, "ExternalSecret"):
            name = it["spec"].get("target", {}).get("name", it["metadata"]["name"])
            found[name] = {row["secretKey"]: "a-secret-of-the-store" for row in it["spec"]["data"]}
    return found
