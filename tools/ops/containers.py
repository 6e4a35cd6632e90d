"""Images and compose files: what they copy, mount and keep secret is there; the program knows its variables."""

import pathlib
import re
import subprocess
import tempfile

import environment
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILES = [DEPLOY / "compose.yaml", DEPLOY / "observability/compose.yaml"]
IMAGES = sorted((DEPLOY / "docker").glob("*Dockerfile"))


def check(program):
    for image in IMAGES:
        yield from copies(image)
    yield from compose(program)
    yield from manual()


def copies(image):
    """Every source of a COPY exists and is let through to the builder."""
    let_through = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY +(.+)$", image.read_text(), re.M):
        words = [word for word in line.split() if not word.startswith("--")]
        if "--from=" in line:
            continue
        for source in words[:-1]:
            if not (ROOT / source).exists():
                yield f"{image.name}: there is no {source}"
            if source.split("/")[0] not in let_through:
                yield f"{image.name}: {source} is kept from the builder by .dockerignore"


def plain(text):
    """A value with its defaults in place: ${DOMAIN:-localhost} is localhost."""
    return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda it: it.group(1) or "", str(text))


def compose(program):
    made, secrets, volumes = {}, {}, set()
    for file in FILES:
        content = yaml.safe_load(file.read_text())
        made |= {name: merged(made.get(name, {}), service) for name, service in content["services"].items()}
        secrets |= content["secrets"]
        volumes |= content["volumes"].keys()
    running = set()
    for name, service in made.items():
        yield from mounts(name, service, secrets, volumes)
        yield from bounds(name, service, made)
        image = plain(service.get("image", ""))
        if image.rpartition("/")[2].partition(":")[2] in ("", "latest"):
            yield f"{name}: the image {image} has no fixed tag"
        if image.partition(":")[0] == "aipoten":
            command = service["command"][0]
            running.add(command)
            yield from environment.check_container(program, f"compose, {name}", command, variables(service))
    for role in sorted(program.roles() - running):
        yield f"compose: the role {role} is nowhere"
    yield from secrets_are_made(secrets)


def merged(service, further):
    """What a second file says of a service is added to what the first one does."""
    return {**service, **further, "environment": {**service.get("environment", {}), **further.get("environment", {})}}


def variables(service):
    """What is in a file is some secret."""
    found = {}
    for name, value in service.get("environment", {}).items():
        # Without a value it is passed on from the host, where it is there.
        if value is not None:
            found[name.removesuffix("_FILE")] = "a-secret-of-the-host" if name.endswith("_FILE") else plain(value)
    return found


def mounts(name, service, secrets, volumes):
    given = [it if isinstance(it, str) else it["source"] for it in service.get("secrets", [])]
    for secret in given:
        if secret not in secrets:
            yield f"{name}: there is no secret {secret}"
    for variable, value in service.get("environment", {}).items():
        if str(value).startswith("/run/secrets/") and value.removeprefix("/run/secrets/") not in given:
            yield f"{name}: {variable} names a secret that it is not given"
    for mount in service.get("volumes", []):
        source = mount.partition(":")[0]
        if source.startswith("./") and not (DEPLOY / source).exists():
            yield f"{name}: there is no {source}"
        if not source.startswith((".", "/")) and source not in volumes:
            yield f"{name}: there is no volume {source}"


def bounds(name, service, made):
    if not service.get("deploy", {}).get("resources", {}).get("limits"):
        yield f"{name}: it has no limits"
    for other, it in service.get("depends_on", {}).items():
        if other not in made:
            yield f"{name}: it waits for {other}, which does not exist"
        elif it["condition"] == "service_healthy" and not (made[other].get("healthcheck") or "aipoten" in made[other]["image"]):
            yield f"{name}: it waits for the health of {other}, which tells none"


def secrets_are_made(secrets):
    """By secrets.sh, all of them, and no other; it is run twice, the second time must change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        first, now = [run_secrets(folder) for _ in range(2)]
        if first != now:
            yield "secrets.sh: a second run changes secrets"
    for name, it in secrets.items():
        if it["file"] != f"secrets/{name}":
            yield f"the secret {name} lies elsewhere than under its name"
        if name not in now:
            yield f"secrets.sh: it does not make {name}"


def run_secrets(folder):
    subprocess.run([DEPLOY / "secrets.sh", folder], check=True, capture_output=True)
    return {it.name: it.read_text() for it in pathlib.Path(folder).iterdir()}


def manual():
    """Scripts say how they are used, and can be run."""
    for script in [*DEPLOY.glob("*.sh"), *(DEPLOY / "backup").glob("*.sh"), *(DEPLOY / "nginx").glob("*.sh")]:
        text = script.read_text()
        if text.startswith("#!") and not script.stat().st_mode & 0o111:
            yield f"{script.relative_to(ROOT)} cannot be run"
