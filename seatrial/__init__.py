"""Proves that a Kubernetes platform is fit for service."""
