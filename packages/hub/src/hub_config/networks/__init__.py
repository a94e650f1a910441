"""A network per server: addresses from an own pool, hub and proxy attached, the host firewalled."""
