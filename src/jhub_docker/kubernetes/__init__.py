"""The platform on Kubernetes: the chart's values, and what a cluster is good for."""

from jhub_docker.kubernetes import chart, moving
from jhub_docker.kubernetes.cluster import Cluster, Kubectl
from jhub_docker.kubernetes.judging import Finding, judge
from jhub_docker.kubernetes.values import values

__all__ = ["Cluster", "Finding", "Kubectl", "chart", "judge", "moving", "values"]
