"""MinIO: the object store. Four nodes, one erasure set, reached as minio-api at the gateway."""
