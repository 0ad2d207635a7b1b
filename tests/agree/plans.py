# SPDX-License-Identifier: BSD-3-Clause
"""Random plans. The rules of docs/plan.md are kept here by construction where that is easy; what
`turnout check` still refuses is drawn again by the caller."""

import json

# The first VIPs and edge addresses are those of pcaps/scenes/broken.py, whose packets are used.
VIPS = (("203.0.113.102", "2001:db8:113::102"), ("203.0.113.103", "2001:db8:113::103"),
        ("203.0.113.104", "2001:db8:113::104"), ("203.0.113.105", "2001:db8:113::105"))
GATEWAYS = ("203.0.113.2", "2001:db8:113::2")
MORE_GATEWAYS = ("203.0.113.3", "2001:db8:113::3")
EDGE_BASE, EDGE_STEP = 30, 8

# kind, protocol, port; the weight of each in a plan.
KINDS = (
    (9, ("sip", "udp", 5060)), (5, ("sip", "tcp", 5060)), (6, ("turn", "udp", 3478)),
    (7, ("media", "udp", "50000-50999")), (5, ("sip-tls", "tcp", 443)),
    (4, ("federation", "tcp", 5061)), (2, ("federation", "tcp", 5062)), (2, ("turn", "tcp", 3478)),
    (2, ("media", "tcp", "50000-50999")), (3, ("psom", "tcp", 8057)), (3, ("xmpp", "tcp", 5269)),
    (3, ("takeover", "tcp", 444)), (2, ("takeover", "udp", 3479)), (3, ("other", "udp", 7000)),
    (2, ("other", "tcp", "8000-8009")), (1, ("other", "udp", "1-1023")), (2, ("sip", "udp", 5070)),
    (2, ("media", "udp", 49152)))

PREFIXES = ("100.64.0.0/10", "100.64.0.0/16", "100.64.5.0/24", "100.64.5.0/29", "100.64.5.7",
            "2001:db8:50::/48", "2001:db8:50:4::/62", "2001:db8:50:5::/64", "2001:db8:51::7",
            "192.0.2.64/26")
SHARES = (0, 100, 50, 0.01, 99.99, 10, 33.33)


def generate(dice):
    doc = {"turnout": 1, "site": site(dice), "salt": f"salt-{dice.below(1000000)}"}
    if dice.often(60):
        doc["grace"] = dice.weighed([(3, 30), (2, 5), (2, "2m"), (1, 0), (1, 65535)])
    doc["relay_key"] = "shared" if dice.often(85) else "distinct"
    groups = vip_groups(dice)
    doc["pools"] = {}
    doc["services"] = services(dice, groups)
    names = sorted({s["address"] for s in doc["services"].values()})
    doc["pools"] = pools(dice, doc["site"], groups, names)
    share_pools(dice, doc)
    more_vips(dice, doc)
    doc["partners"] = partners(dice)
    if not doc["partners"]:
        del doc["partners"]
    doc["stages"] = [stage(dice, doc, n) for n in range(dice.between(2, 4))]
    return doc


def site(dice):
    gateways = dice.weighed([(8, list(GATEWAYS)), (1, [GATEWAYS[0]]), (1, [GATEWAYS[1]]), (1, []),
                             (2, [*GATEWAYS, *MORE_GATEWAYS])])
    return {"name": "random", "gateways": gateways} if gateways else {"name": "random"}


def family(address):
    return 6 if ":" in address else 4


def vip_groups(dice):
    """Lists of VIPs of which each service gets one."""
    groups = []
    for v4, v6 in VIPS[:dice.weighed([(5, 1), (4, 2), (1, 3)])]:
        groups.append(dice.weighed([(4, [v4, v6]), (3, [v4]), (2, [v6])]))
    return groups


def services(dice, groups):
    by = dice.weighed([(5, "vip"), (3, "service"), (2, "one")])
    found, taken = {}, set()
    for kind, protocol, port in wanted(dice):
        at = dice.below(len(groups)) if (kind, port) != ("media", "50000-50999") else 0
        clash = (protocol, port, at if by != "one" else 0)
        if clash in taken:
            continue
        taken.add(clash)
        name = f"{kind}-{protocol}-{len(found)}"
        found[name] = service(dice, kind, protocol, port, groups[at])
        found[name]["address"] = {"vip": f"a{at}", "service": name, "one": "a"}[by]
    return found


def wanted(dice):
    kinds = [dice.weighed(KINDS) for _ in range(dice.between(2, 7))]
    if dice.often(40):
        kinds += [("turn", "udp", 3478), ("media", "udp", "50000-50999")]
    return kinds


def service(dice, kind, protocol, port, vips):
    found = {"kind": kind, "vip": list(vips), "protocol": protocol, "port": port}
    if dice.often(25):
        found["idle"] = dice.weighed([(3, dice.between(1, 90)), (2, "10m"), (1, "18h"),
                                      (1, 65535)])
    if dice.often(20):
        found["balance"] = "flow"
    elif dice.often(60):
        found["affinity"] = dice.weighed([(3, "g1"), (2, "g2"), (2, "none")])
    if dice.often(45):
        found["midflow"] = dice.weighed([(3, "new"), (2, "drop"), (1, "legacy")])
    if dice.often(50):
        found["fallback"] = "other"
    if dice.often(50):
        found["edge_initiated"] = "vip"
    return found


def pools(dice, where, groups, names):
    """One or two of each role. Edges have an address of each family of every VIP."""
    families = {family(v) for group in groups for v in group}
    gateways = {family(g) for g in where.get("gateways", [])}
    found, number = {}, 0
    for role in ("legacy", "new"):
        for n in range(dice.weighed([(3, 1), (1, 2)])):
            mode = dice.weighed([(13, "dnat"), (4, "l2"), (4 if gateways else 0, "ipip")])
            edges = {}
            for _ in range(dice.weighed([(4, 1), (4, 2), (2, 3)])):
                own = dice.pick(["dnat", "l2"]) if dice.often(8) else mode
                edges[f"e{number}"] = edge(dice, number, own, names, families, gateways)
                if own != mode:
                    edges[f"e{number}"]["mode"] = own
                number += 1
            found[f"{role}{n or ''}"] = {"role": role, "mode": mode, "edges": edges}
    return found


def edge(dice, number, mode, names, families, gateways):
    """A tunnel ends at an address of either family, if it can begin."""
    if mode == "ipip":
        families = set(dice.some(sorted(gateways), least=1))
    found = {}
    for k, name in enumerate(names):
        last = EDGE_BASE + number * EDGE_STEP + k
        found[name] = [f"203.0.113.{last}" if f == 4 else f"2001:db8:113::{last}"
                       for f in sorted(families)]
    return found


def share_pools(dice, doc):
    """Services name their pools where there is a choice. All of federation names the same."""
    by_role = {role: [n for n, p in doc["pools"].items() if p["role"] == role]
               for role in ("legacy", "new")}
    if all(len(names) == 1 for names in by_role.values()):
        return
    federation = {role: dice.pick(names) for role, names in by_role.items()}
    for found in doc["services"].values():
        if found["kind"] == "federation":
            found["pools"] = dict(federation)
        else:
            found["pools"] = {role: dice.pick(names) for role, names in by_role.items()}


def more_vips(dice, doc):
    """Where no edge is dnat a service may have several VIPs of a family."""
    for found in doc["services"].values():
        names = found.get("pools", {"legacy": "legacy", "new": "new"}).values()
        modes = {e.get("mode", doc["pools"][n]["mode"])
                 for n in names for e in doc["pools"][n]["edges"].values()}
        if "dnat" not in modes and dice.often(50):
            found["vip"] += [v for v in VIPS[3] if family(v) in map(family, found["vip"])]


def partners(dice):
    names = ["p", "q", "r"][:dice.below(4)]
    found = {}
    for prefix in PREFIXES if names else ():
        if dice.often(60):
            found.setdefault(dice.pick(names), []).append(prefix)
    return found


def stage(dice, doc, number):
    """The first stage of a third of all plans is the day before: everything legacy."""
    found = {"name": f"s{number}"}
    quiet = number == 0 and dice.often(35)
    owner = dice.pick(["legacy", "new"]) if not quiet else "legacy"
    relays = dice.pick([0, 100]) if not quiet else 0
    routes = {}
    for name, s in doc["services"].items():
        share = 0 if quiet else dice.pick(SHARES) if dice.often(70) else dice.below(10001) / 100
        exceptions = {p: dice.pick(SHARES) for p in doc.get("partners", {})
                      if not quiet and dice.often(40)}
        if s["kind"] == "federation":
            share = 100 if owner == "new" else 0
        elif s["kind"] in ("turn", "media") and doc["relay_key"] == "distinct":
            share, exceptions = relays, {}
        if exceptions:
            routes[name] = {"default": share, "partners": exceptions}
        elif share:
            routes[name] = share
    if routes:
        found["routes"] = routes
    if dice.often(40):
        found["midflow"] = {name: dice.pick(["legacy", "new", "drop"])
                            for name in dice.some(doc["services"], least=1)}
    if owner == "new":
        found["federation_route"] = "new"
    return found


def text(doc):
    """The plan as YAML: a line for each pool, edge, service, partner and stage."""
    lines = []
    for key, value in doc.items():
        if key == "stages":
            lines += ["stages:"] + [f"  - {json.dumps(s)}" for s in value]
        elif key == "pools":
            lines += ["pools:"]
            for name, pool in value.items():
                lines += [f"  {name}:", f"    role: {pool['role']}", f"    mode: {pool['mode']}",
                          "    edges:"]
                lines += [f"      {edge}: {json.dumps(a)}" for edge, a in pool["edges"].items()]
        elif isinstance(value, dict):
            lines += [f"{key}:"] + [f"  {name}: {json.dumps(v)}" for name, v in value.items()]
        else:
            lines.append(f"{key}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def scalars(value):
    """The document as the model's reader gives it: every scalar as it was written."""
    if isinstance(value, dict):
        return {k: scalars(v) for k, v in value.items()}
    if isinstance(value, list):
        return [scalars(v) for v in value]
    return str(value)
