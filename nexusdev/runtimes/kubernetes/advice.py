"""The hints of errors and notes that are specific to Kubernetes."""

from __future__ import annotations

from nexusdev.interfaces import Advice

ADVICE = Advice(
    kept_data="its data is in PersistentVolumeClaims, which kubectl delete namespace or the end of the cluster deletes",
    kept_stopped="kubectl delete namespace, or the end of the cluster, deletes it",
    ended_by="kubectl delete pod, kubectl scale, or a node that is drained",
    lost_data="kubectl delete pvc, kubectl delete namespace or a new cluster takes data away",
    elsewhere="kubectl config get-contexts   check that this is the cluster that has the data",
    no_room="kubectl describe nodes   look for DiskPressure and allocated resources",
    more_files="raise LimitNOFILE of the container runtime on the nodes (systemctl edit containerd)",
)
