"""Real servers that tests start on this machine: processes of their own, on loopback, stopped by who started them."""
