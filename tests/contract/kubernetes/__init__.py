"""What only the Kubernetes runtime has, and its bench."""
