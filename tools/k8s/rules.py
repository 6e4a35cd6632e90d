"""Our own rules for every object of an overlay. Each function yields what is wrong, in words that name the object."""

from objects import data_of, of_kind, pods, title

# Connections that the database has for the roles, by the rules of performance.
CONNECTIONS = 100
TAKES_CONNECTIONS = "AIPOTEN__{}__DATABASE__MAX_CONNECTIONS"


def check(objects):
    for rule in (
        containers_are_bounded,
        containers_have_no_rights,
        images_are_pinned,
        pods_have_no_rights,
        long_lived_pods_are_probed,
        roles_are_many_and_apart,
        jobs_end,
        references_lead_somewhere,
        selectors_find_pods,
        connections_suffice,
        secrets_stay_out_of_sight,
    ):
        yield from rule(objects)


def each_container(objects):
    for pod in pods(objects):
        for container in pod.containers():
            yield pod, container, f"{pod.title}, container {container['name']}"


def containers_are_bounded(objects):
    for _, container, where in each_container(objects):
        resources = container.get("resources", {})
        for side in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if what not in resources.get(side, {}):
                    yield f"{where}: {side} of {what} are missing"


def containers_have_no_rights(objects):
    for _, container, where in each_container(objects):
        context = container.get("securityContext", {})
        if context.get("readOnlyRootFilesystem") is not True:
            yield f"{where}: its root file system can be written"
        if context.get("allowPrivilegeEscalation") is not False:
            yield f"{where}: it may gain rights"
        if "ALL" not in context.get("capabilities", {}).get("drop", []) or context.get("capabilities", {}).get("add"):
            yield f"{where}: it keeps capabilities"
        if context.get("privileged") or context.get("runAsUser") == 0 or context.get("runAsNonRoot") is False:
            yield f"{where}: it runs as root"


def images_are_pinned(objects):
    for _, container, where in each_container(objects):
        image = container.get("image", "")
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest"):
            yield f"{where}: the image {image or '(none)'} has no fixed tag"


def pods_have_no_rights(objects):
    accounts = {it["metadata"]["name"]: it for it in of_kind(objects, "ServiceAccount")}
    for pod in pods(objects):
        context = pod.spec.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{pod.title}: it may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{pod.title}: it has no seccomp profile"
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{pod.title}: it gets a token of the cluster"
        account = accounts.get(pod.spec.get("serviceAccountName", "default"))
        if account is None or account.get("automountServiceAccountToken") is not False:
            yield f"{pod.title}: its service account {pod.spec.get('serviceAccountName')} is none of ours without a token"
        for shared in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.spec.get(shared):
                yield f"{pod.title}: {shared}"
        if any("hostPath" in volume for volume in pod.spec.get("volumes", [])):
            yield f"{pod.title}: it sees files of its node"


def long_lived_pods_are_probed(objects):
    for pod in pods(objects):
        if pod.owner["kind"] in ("Job", "CronJob"):
            continue
        for container in pod.spec["containers"]:
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe not in container:
                    yield f"{pod.title}, container {container['name']}: {probe} is missing"


def roles_are_many_and_apart(objects):
    scaled = {it["spec"]["scaleTargetRef"]["name"] for it in of_kind(objects, "HorizontalPodAutoscaler")}
    budgets = [it["spec"]["selector"]["matchLabels"] for it in of_kind(objects, "PodDisruptionBudget")]
    for pod in pods(of_kind(objects, "Deployment")):
        spec, where = pod.owner["spec"], pod.title
        if pod.owner["metadata"]["name"] not in scaled:
            yield f"{where}: it has no HorizontalPodAutoscaler"
        if "replicas" in spec:
            yield f"{where}: replicas would fight with its HorizontalPodAutoscaler"
        if not any(selects(budget, pod.labels) for budget in budgets):
            yield f"{where}: it has no PodDisruptionBudget"
        spread = {it["topologyKey"] for it in pod.spec.get("topologySpreadConstraints", [])}
        for missing in {"topology.kubernetes.io/zone", "kubernetes.io/hostname"} - spread:
            yield f"{where}: it is not spread over {missing}"
        if spec.get("strategy", {}).get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"{where}: a rollout would take replicas away before new ones serve"
        if pod.spec.get("terminationGracePeriodSeconds", 30) < 40:
            yield f"{where}: what runs has no 30 seconds to finish"
        if "preStop" not in pod.spec["containers"][0].get("lifecycle", {}):
            yield f"{where}: it is told to stop before others know"
    for scaler in of_kind(objects, "HorizontalPodAutoscaler"):
        resources = [it["resource"] for it in scaler["spec"]["metrics"] if it["type"] == "Resource"]
        if not any(it["name"] == "cpu" and it["target"]["averageUtilization"] == 70 for it in resources):
            yield f"{title(scaler)}: it does not scale at 70% of CPU"


def jobs_end(objects):
    for it in of_kind(objects, "Job", "CronJob"):
        spec = it["spec"]["jobTemplate"]["spec"] if it["kind"] == "CronJob" else it["spec"]
        for bound in ("activeDeadlineSeconds", "backoffLimit"):
            if bound not in spec:
                yield f"{title(it)}: {bound} is missing"
        if it["kind"] == "CronJob" and it["spec"].get("concurrencyPolicy") != "Forbid":
            yield f"{title(it)}: it may run beside itself"


def references_lead_somewhere(objects):
    maps, secrets = data_of(objects, "ConfigMap"), data_of(objects, "Secret")
    claims = {it["metadata"]["name"] for it in of_kind(objects, "PersistentVolumeClaim")}
    for pod in pods(objects):
        own = {it["metadata"]["name"] for it in pod.owner["spec"].get("volumeClaimTemplates", [])}
        volumes = {it["name"] for it in pod.spec.get("volumes", [])} | own
        for volume in pod.spec.get("volumes", []):
            if "secret" in volume:
                yield from missing_keys(pod, "Secret", volume["secret"]["secretName"], volume["secret"], secrets)
            if "configMap" in volume:
                yield from missing_keys(pod, "ConfigMap", volume["configMap"]["name"], volume["configMap"], maps)
            if "persistentVolumeClaim" in volume and volume["persistentVolumeClaim"]["claimName"] not in claims:
                yield f"{pod.title}: there is no claim {volume['persistentVolumeClaim']['claimName']}"
        for container in pod.containers():
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{pod.title}: there is no volume {mount['name']}"
            for source in container.get("envFrom", []):
                if source["configMapRef"]["name"] not in maps:
                    yield f"{pod.title}: there is no ConfigMap {source['configMapRef']['name']}"
    services = {it["metadata"]["name"]: it for it in of_kind(objects, "Service")}
    for it in of_kind(objects, "Ingress"):
        for rule in it["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                if path["backend"]["service"]["name"] not in services:
                    yield f"{title(it)}: there is no Service {path['backend']['service']['name']}"


def missing_keys(pod, kind, name, volume, known):
    if name not in known:
        yield f"{pod.title}: there is no {kind} {name}"
        return
    for item in volume.get("items", []):
        if item["key"] not in known[name]:
            yield f"{pod.title}: the {kind} {name} has no {item['key']}"


def selectors_find_pods(objects):
    made = list(pods(objects))
    for it in of_kind(objects, "Service", "PodDisruptionBudget"):
        wanted = it["spec"]["selector"] if it["kind"] == "Service" else it["spec"]["selector"]["matchLabels"]
        found = [pod for pod in made if selects(wanted, pod.labels)]
        if not found:
            yield f"{title(it)}: it selects no pod"
        for port in it["spec"].get("ports", []):
            for pod in found:
                offered = {p["name"] for c in pod.spec["containers"] for p in c.get("ports", [])}
                if port["targetPort"] not in offered:
                    yield f"{title(it)}: {pod.title} has no port {port['targetPort']}"


def selects(wanted, labels):
    return wanted.items() <= labels.items()


def connections_suffice(objects):
    """All replicas of all roles together; the migration, the jobs and an administrator need some, too."""
    maps, total = data_of(objects, "ConfigMap"), 0
    most = {it["spec"]["scaleTargetRef"]["name"]: it["spec"]["maxReplicas"] for it in of_kind(objects, "HorizontalPodAutoscaler")}
    for pod in pods(of_kind(objects, "Deployment")):
        container = pod.spec["containers"][0]
        settings = {k: v for source in container.get("envFrom", []) for k, v in maps.get(source["configMapRef"]["name"], {}).items()}
        if any("DATABASE" in variable["name"] for variable in container.get("env", [])):
            each = int(settings.get(TAKES_CONNECTIONS.format(pod.name.upper()), 12))
            total += each * most.get(pod.owner["metadata"]["name"], 1)
    if total > CONNECTIONS:
        yield f"all replicas together may open {total} connections to the database, {CONNECTIONS} are meant for them"


def secrets_stay_out_of_sight(objects):
    for _, container, where in each_container(objects):
        for variable in container.get("env", []):
            if "secretKeyRef" in variable.get("valueFrom", {}):
                yield f"{where}: {variable['name']} is in its environment, where children inherit it; mount the file"
