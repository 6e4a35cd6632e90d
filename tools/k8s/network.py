"""Who may speak to whom: the policies of an overlay, worked out for every pair, against the list of real connections."""

import ipaddress

from objects import of_kind, pods

SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}
INGRESS = {"kubernetes.io/metadata.name": "ingress-nginx"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}

# Peers that are no pods of ours: namespace and pod labels, or an address.
STRANGERS = {
    "names": (SYSTEM, {"k8s-app": "kube-dns"}),
    "ingress": (INGRESS, {"app.kubernetes.io/name": "ingress-nginx"}),
    "prometheus": (MONITORING, {"app.kubernetes.io/name": "prometheus"}),
    "collector": (MONITORING, {"app.kubernetes.io/name": "collector"}),
    "another pod": ({"kubernetes.io/metadata.name": "default"}, {"app.kubernetes.io/name": "gateway"}),
    "internet": "198.51.100.7",
    "internet, IPv6": "2001:db8::7",
    "private network": "10.1.2.3",
    "the cloud's metadata": "169.254.169.254",
}
ROLES = {"gateway": 3000, "identity": 5001, "content": 5002, "matching": 5003, "billing": 5004, "notification": 5005}
PORTS = ROLES | {"sandbox": 5090}
SERVERS = {"postgres": 5432, "rabbitmq": 5672, "redis": 6379, "object-store": 9000, "mail": 1025}

# Every connection that the platform really makes.
CALLS = {
    ("gateway", "identity"), ("gateway", "content"), ("gateway", "matching"), ("gateway", "billing"),
    ("gateway", "notification"),
    # In development alone.
    ("billing", "sandbox"), ("notification", "sandbox"), ("sandbox", "gateway"),
    ("content", "identity"), ("matching", "identity"), ("billing", "identity"), ("billing", "matching"),
    ("notification", "identity"),
}
DATABASE = {"identity", "content", "matching", "billing", "notification", "migrate", "check-links", "check-audit", "check-invariants", "backup"}
BROKER = {"gateway", "identity", "content", "matching", "billing", "notification"}
REDIS = {"gateway", "identity"}
OUTSIDE = {"billing", "notification", "check-links", "backup"}


def expected(source, target):
    """The ports, as numbers or (number, 'UDP')."""
    if target == "names":
        return {53, (53, "UDP")}
    if (source, target) in CALLS or (source, target) == ("ingress", "gateway"):
        return {PORTS[target]}
    if (source, target) == ("ingress", "certificates"):
        return {8089}
    if source == "prometheus" and target in ROLES:
        return {9100}
    if source in ROLES and target == "collector":
        return {4317}
    if target in SERVERS:
        users = {
            "postgres": DATABASE, "rabbitmq": BROKER, "redis": REDIS, "object-store": {"backup"}, "mail": {"notification"},
        }[target]
        return {SERVERS[target]} if source in users else set()
    if target.startswith("internet") and source in OUTSIDE:
        return {443} | ({465, 587} if source == "notification" else set())
    return set()


class Peer:
    def __init__(self, name, namespace, labels, address=None, ours=False):
        self.name, self.namespace, self.labels, self.address, self.ours = name, namespace, labels, address, ours


def peers(objects):
    namespace = {"kubernetes.io/metadata.name": of_kind(objects, "Namespace")[0]["metadata"]["name"]}
    made = {pod.name: Peer(pod.name, namespace, pod.labels, ours=True) for pod in pods(objects)}
    # What cert-manager runs in our namespace while a certificate is asked for.
    made["certificates"] = Peer("certificates", namespace, {"acme.cert-manager.io/http01-solver": "true"}, ours=True)
    for name, it in STRANGERS.items():
        made[name] = Peer(name, {}, {}, address=it) if isinstance(it, str) else Peer(name, *it)
    # Where an overlay has no servers of its own they are elsewhere, with the labels that their operators give them.
    data = {"kubernetes.io/metadata.name": f"{namespace['kubernetes.io/metadata.name']}-data"}
    for name in SERVERS.keys() - made.keys() - {"object-store", "mail"}:
        labels = {"cnpg.io/cluster": "postgres"} if name == "postgres" else {"app.kubernetes.io/name": name}
        made[name] = Peer(name, data, labels)
    return made


def matches(selector, labels):
    """Whether a label selector takes labels; {} takes all, None takes none."""
    if selector is None:
        return False
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for it in selector.get("matchExpressions", []):
        if it["operator"] != "In":
            raise ValueError(f"the operator {it['operator']} is not understood here")
        if labels.get(it["key"]) not in it["values"]:
            return False
    return True


def takes(rule, peer, own_namespace):
    """Whether one entry of from or to means the peer."""
    if "ipBlock" in rule:
        if not peer.address:
            return False
        address, block = ipaddress.ip_address(peer.address), ipaddress.ip_network(rule["ipBlock"]["cidr"])
        inside = address.version == block.version and address in block
        return inside and not any(address in ipaddress.ip_network(it) for it in rule["ipBlock"].get("except", []))
    if peer.address:
        return False
    if "namespaceSelector" in rule:
        if not matches(rule["namespaceSelector"], peer.namespace):
            return False
    elif peer.namespace != own_namespace:
        return False
    return matches(rule.get("podSelector", {}), peer.labels)


def opened(policies, pod, other, direction):
    """The ports that policies leave open for pod with other; None: everything, as no policy selects the pod."""
    key, side = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
    ports, selected = set(), False
    for policy in policies:
        spec = policy["spec"]
        if direction not in spec["policyTypes"] or not matches(spec["podSelector"], pod.labels):
            continue
        selected = True
        for rule in spec.get(key, []):
            if side not in rule or any(takes(it, other, pod.namespace) for it in rule[side]):
                ports |= {port_of(it) for it in rule.get("ports", [{"port": "every"}])}
    return ports if selected else None


def port_of(it):
    return it["port"] if it.get("protocol", "TCP") == "TCP" else (it["port"], it["protocol"])


def between(policies, source, target):
    """What can be spoken: what both ends leave open."""
    out = opened(policies, source, target, "Egress") if source.ours else None
    into = opened(policies, target, source, "Ingress") if target.ours else None
    if out is None and into is None:
        return {"every"}
    if out is None or into is None:
        return out if into is None else into
    if "every" in out or "every" in into:
        return into if "every" in out else out
    return out & into


def check(objects):
    policies, made = of_kind(objects, "NetworkPolicy"), peers(objects)
    for source in made.values():
        for target in made.values():
            if source.name == target.name or not (source.ours or target.ours):
                continue
            found, wanted = between(policies, source, target), expected(source.name, target.name)
            for port in sorted(map(str, wanted - found)):
                yield f"network: {source.name} cannot reach {target.name} on port {port}, and has to"
            for port in sorted(map(str, found - wanted)):
                yield f"network: {source.name} may reach {target.name} on port {port}, and never does"
