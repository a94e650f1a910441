"""The platform on Kubernetes: the chart's values, and what a cluster is good for."""

from jhub_docker.kubernetes.cluster import Cluster
from jhub_docker.kubernetes.judging import Finding, judge
from jhub_docker.kubernetes.values import values

__all__ = ["Cluster", "Finding", "judge", "values"]
