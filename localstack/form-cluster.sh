#!/bin/sh
# Makes one cluster of the nodes named as host:port: the first half masters, the second half their replicas.
#
# May be run again at any time: it does what is missing, and tells the nodes each other's present addresses, for
# containers that were started anew may have got other ones.
set -eu

SLOTS=16384
TRIES=300
masters=$(($# / 2))

ask() {
  target=$1
  shift
  redis-cli -e -h "${target%:*}" -p "${target##*:}" "$@"
}

# wait_for WHAT COMMAND…: until the command succeeds.
wait_for() {
  what=$1
  shift
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    if [ "$tries" -ge "$TRIES" ]; then
      echo "gave up: $what" >&2
      exit 1
    fi
    sleep 0.2
  done
}

answers() {
  [ "$(ask "$1" PING 2>/dev/null)" = PONG ]
}

address() {
  set -- $(getent hosts "${1%:*}")
  echo "$1"
}

is_alone() {
  [ "$(ask "$1" CLUSTER NODES | grep -c .)" -eq 1 ]
}

# A line of CLUSTER NODES has eight fields, then the slots.
has_slots() {
  set -- $(ask "$1" CLUSTER NODES | grep myself)
  [ $# -gt 8 ]
}

is_master() {
  ask "$1" INFO replication | grep -q role:master
}

knows() {
  [ "$(ask "$1" CLUSTER NODES | grep -c -v -e handshake -e noaddr -e fail)" -ge "$2" ]
}

is_whole() {
  ask "$1" CLUSTER INFO | grep -q cluster_state:ok &&
    ask "$1" CLUSTER INFO | grep -q "cluster_slots_ok:$SLOTS" &&
    ask "$1" INFO replication | grep -q -e role:master -e master_link_status:up
}

for node in "$@"; do
  wait_for "$node does not answer" answers "$node"
done

index=0
for node in "$@"; do
  if [ "$index" -lt "$masters" ] && is_alone "$node" && ! has_slots "$node"; then
    first=$((index * SLOTS / masters))
    last=$(((index + 1) * SLOTS / masters - 1))
    echo "$node: slots $first to $last"
    ask "$node" CLUSTER ADDSLOTSRANGE "$first" "$last" >/dev/null
  fi
  index=$((index + 1))
done

for node in "$@"; do
  ask "$1" CLUSTER MEET "$(address "$node")" "${node##*:}" >/dev/null
done
for node in "$@"; do
  wait_for "$node does not know all the others" knows "$node" $#
done

index=0
for node in "$@"; do
  if [ "$index" -ge "$masters" ] && is_master "$node" && ! has_slots "$node"; then
    eval "master=\${$((index - masters + 1))}"
    echo "$node: a replica of $master"
    ask "$node" CLUSTER REPLICATE "$(ask "$master" CLUSTER MYID)" >/dev/null
  fi
  index=$((index + 1))
done

for node in "$@"; do
  wait_for "$node does not say the cluster is whole" is_whole "$node"
done
echo "the cluster of $# nodes is whole"
