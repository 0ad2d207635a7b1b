# SPDX-License-Identifier: BSD-3-Clause
"""Day zero: the gateway is put in front of a site that runs.

Before, its kernel is a router between outside and edges. Some clients hold connections to the
legacy edges' own addresses; others to the VIP of an old balancer (HAProxy, which has the VIP on its
interface and spreads over e1 and e2). Then the engine takes the frames over, and the old balancer
becomes the legacy pool's one edge, in mode `l2`. Nothing breaks; new clients move as ever."""

import cutover_lab.site as site
import cutover_lab.tls as tls
from netns import inside, ip, run, sysctl
from processes import Failed, Process, await_port

BALANCER = "192.0.2.50"
PLAN = f"""\
turnout: 1
site: {{name: day-zero, gateways: [{site.GATEWAY}, 198.18.0.1]}}
salt: lab-2026
grace: 5s
pools:
  old: {{role: legacy, mode: l2, edges: {{balancer: {{sip: {BALANCER}}}}}}}
  nodes:
    role: legacy
    edges: {{e1: {{node: {site.address("e1")}}}, e2: {{node: {site.address("e2")}}}}}
  new:
    {{role: new, edges: {{n1: {{sip: {site.address("n1")}}}, n2: {{sip: {site.address("n2")}}}}}}}
services:
  access:
    {{kind: sip-tls, vip: {site.SIP_VIP}, protocol: tcp, port: {site.TLS}, address: sip,
      affinity: access, pools: {{legacy: old, new: new}}}}
stages:
  - name: baseline
  - name: half
    routes: {{access: 50}}
  - name: full
    routes: {{access: 100}}
"""

HAPROXY = """\
global
  maxconn 2000
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend access
  bind {vip}:{port}
  default_backend edges
backend edges
{servers}
"""


def route_in_kernel():
    """What the site was before: the gateway a router, the VIP the balancer's."""
    with inside("gw"):
        sysctl(ipv4__ip_forward=1)
    ip("gw", "route del blackhole 203.0.113.0/24", f"route add {site.SIP_VIP} via {BALANCER}")


def balance(watch, directory):
    """The old balancer, on the bridge."""
    run("ip", "netns", "add", "balancer")
    ip("balancer", "link set lo up")
    site.Site.link("balancer", "eth0", "lan", "balancer")
    ip("lan", "link set balancer master br0")
    ip("balancer", f"addr add {BALANCER}/24 dev eth0", f"addr add {site.SIP_VIP}/32 dev lo",
       f"route add default via {site.GATEWAY}")
    with inside("balancer"):
        sysctl(ipv4__conf__all__arp_ignore=1, ipv4__conf__all__arp_announce=2)
    config = directory / "haproxy.cfg"
    servers = "\n".join(f"  server {e} {site.address(e)}:{site.TLS}" for e in site.LEGACY)
    config.write_text(HAPROXY.format(vip=site.SIP_VIP, port=site.TLS, servers=servers), "ascii")
    with inside("balancer"):
        process = Process(watch, "haproxy", ["haproxy", "-db", "-f", config])
    await_port(process, "tcp", site.TLS)


class DayZero:
    def __init__(self, watch, directory, gateway, say, held=60):
        self.watch, self.directory, self.gateway, self.say = watch, directory, gateway, say
        self.number = held

    def run(self):
        key, cert = site.certificate(self.directory)
        for edge in site.EDGES:
            tls.serve(self.watch, edge, key, cert)
        route_in_kernel()
        balance(self.watch, self.directory)
        begin = [site.client(i) for i in range(self.number)]
        balanced = tls.Held(self.watch, "client", site.TLS, begin, every=0.5)
        direct = [tls.Held(self.watch, "client", site.TLS, begin, every=0.5,
                           vip=site.address(e)) for e in site.LEGACY]
        for held in [balanced, *direct]:
            if held.lost:
                raise Failed("before the gateway came: " + " ".join(held.lost[0]))
        self.say(f"before: {len(balanced.open)} connections through the old balancer, "
                 f"{sum(len(d.open) for d in direct)} to the edges' own addresses")
        self.gateway.start()
        self.say("the gateway steers")
        self.go_on(balanced, direct)
        went = {}
        for n, (word, stage) in enumerate((("next", "half"), ("next", "full"), ("back", "half"))):
            self.gateway.turnout("stage", word, "--yes")
            fresh = [site.client(1000 * (n + 1) + i) for i in range(self.number)]
            went[stage] = tls.ask(self.watch, "client", site.TLS, fresh)
            self.say(f"{stage}: " + ", ".join(
                f"{n} {list(went[stage].values()).count(n)}" for n in site.EDGES))
            self.go_on(balanced, direct)
        if set(went["full"].values()) != set(site.NEW):
            raise Failed(f"new clients went to {set(went['full'].values())} in stage full")
        if not set(went["half"].values()) & set(site.LEGACY):
            raise Failed("nobody new went by the old balancer in stage half")
        for held in [balanced, *direct]:
            held.end()
        return {"held": len(balanced.open) + sum(len(d.open) for d in direct), "lost": 0}

    def go_on(self, balanced, direct):
        """Every connection that was there before asks, and is answered by who answered before."""
        for held in [balanced, *direct]:
            held.all_ask()
            if held.lost:
                raise Failed("a connection from before was lost: " + " ".join(held.lost[0]))
