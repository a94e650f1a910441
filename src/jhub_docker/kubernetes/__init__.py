"""The platform on Kubernetes: the chart's values, and what a cluster is good for."""
