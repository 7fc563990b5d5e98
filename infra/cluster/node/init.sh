#!/bin/sh
# First process of a node, inside its new namespaces: builds the node's own file system, moves into it and becomes its
# init. Arguments come from the supervisor's service folder as environment variables.
set -eu
: "${NODE_NAME:?}" "${NODE_STATE:?}" "${NODE_LOWER:?}" "${NODE_PROGRAMS:?}" "${NODE_CGROUPS:?}"

hostname "$NODE_NAME"
root=$NODE_STATE/root
mkdir -p "$root" "$NODE_STATE/upper" "$NODE_STATE/work" "$NODE_STATE/data"
mount -t overlay overlay -o "lowerdir=$NODE_LOWER,upperdir=$NODE_STATE/upper,workdir=$NODE_STATE/work" "$root"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/run/netns" "$root/run/lock"

# Overlay file systems cannot be stacked as upper layers: what holds containers lies beside the node's root, not in it.
for folder in containerd kubelet etcd local-path; do
  mkdir -p "$NODE_STATE/data/$folder"
done
mkdir -p "$root/var/lib/containerd" "$root/var/lib/kubelet" "$root/var/lib/etcd" "$root/opt/local-path-provisioner"
mount --bind "$NODE_STATE/data/containerd" "$root/var/lib/containerd"
mount --bind "$NODE_STATE/data/kubelet" "$root/var/lib/kubelet"
mount --bind "$NODE_STATE/data/etcd" "$root/var/lib/etcd"
chmod 700 "$root/var/lib/etcd"
mount --bind "$NODE_STATE/data/local-path" "$root/opt/local-path-provisioner"

for program in $NODE_PROGRAMS; do
  name=${program%%=*}
  mkdir -p "$root/opt/seatrial/$name"
  mount --bind -o ro "${program#*=}" "$root/opt/seatrial/$name"
done

if [ "$NODE_CGROUPS" = 2 ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  # Version 2 forbids processes in a group that hands controllers down.
  mkdir -p "$root/sys/fs/cgroup/init"
  echo 1 > "$root/sys/fs/cgroup/init/cgroup.procs"
  for controller in $(cat "$root/sys/fs/cgroup/cgroup.controllers"); do
    echo "+$controller" > "$root/sys/fs/cgroup/cgroup.subtree_control" || true
  done
else
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  for hierarchy in $NODE_CGROUPS; do
    mkdir -p "$root/sys/fs/cgroup/$hierarchy"
    case $hierarchy in
      name=*) mount -t cgroup -o "none,$hierarchy" cgroup "$root/sys/fs/cgroup/$hierarchy" ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "$root/sys/fs/cgroup/$hierarchy" ;;
    esac
  done
fi

cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old
mount --make-rshared /
sysctl -qw net.ipv4.ip_forward=1
# A node that has joined before starts its kubelet by itself, as after a reboot.
if [ -f /var/lib/kubelet/config.yaml ]; then rm -f /etc/seatrial/services/kubelet/down; fi
exec chroot . /usr/bin/tini -- /usr/bin/runsvdir -P /etc/seatrial/services
