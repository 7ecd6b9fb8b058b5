"""Servers that tests start on this machine: separate processes on loopback, stopped by the test that started them."""
