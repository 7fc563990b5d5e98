#!/bin/sh
# The baseline of the cold start: what an administrator types on three fresh nodes, one command after the other, with
# stock settings. Nodes, network and image registry are there already, and their time counts for both sides.
# Environment: NODE (a program: NODE <name> <command...> runs on that node), KUBECTL, ADDONS (folder of rendered add-ons,
# one file each), KUBECONFIG (where the administrator's kubeconfig goes), WORKERS.
set -eu

"$NODE" control-plane kubeadm init --config /etc/seatrial/kubeadm.yaml
"$NODE" control-plane cat /etc/kubernetes/admin.conf > "$KUBECONFIG"
"$KUBECTL" wait --for=condition=Ready node/control-plane --timeout=180s

join=$("$NODE" control-plane kubeadm token create --print-join-command)
for worker in $WORKERS; do
  # shellcheck disable=SC2086
  "$NODE" "$worker" $join --ignore-preflight-errors=all --node-name "$worker"
  "$KUBECTL" wait --for=condition=Ready "node/$worker" --timeout=180s
  "$NODE" control-plane /opt/seatrial/kubernetes/kubectl --kubeconfig /etc/kubernetes/admin.conf label node "$worker" \
    "seatrial.dev/pool=${worker#worker-}"
done
"$KUBECTL" --namespace kube-system rollout status deployment/coredns --timeout=180s

for addon in "$ADDONS"/*.yaml; do
  "$KUBECTL" apply --filename "$addon"
done
"$KUBECTL" --namespace kube-system rollout status daemonset/kube-router --timeout=180s
"$KUBECTL" --namespace storage rollout status deployment/local-path-provisioner --timeout=180s
"$KUBECTL" --namespace ingress rollout status daemonset/traefik --timeout=180s
"$KUBECTL" --namespace kube-system rollout status deployment/metrics-server --timeout=180s
