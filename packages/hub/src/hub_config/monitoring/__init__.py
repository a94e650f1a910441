"""What somebody who looks after the platform wants to know: `usage` keeps what servers have used,
`watch` has it measured every minute, `slow` what takes longer, `figures` makes metrics of it,
`pages` tells them to Prometheus; `alerts`, `panels`, `dashboards` and `written` are what Prometheus
and Grafana read.
"""
