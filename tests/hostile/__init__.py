"""Attackers beside good sites, and what a run makes of both.

cases    the attacks: how each is made, and how its pages and feeds may end
web      serves one attack beside good sites, as a process of its own
measure  runs `newsbeam run` on both, and measures how many good pages land without and with the attack
"""
