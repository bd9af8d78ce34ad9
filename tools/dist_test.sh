#!/usr/bin/env bash
# bash tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [FLAGS OF test.py]
# One process a GPU; without a GPU the same script runs CPU processes over gloo. For several machines, run it on each with
# NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n 2,4p "$0" >&2
    exit 2
fi
if [[ ! $3 =~ ^([1-9][0-9]*|auto|cpu|gpu)$ ]]; then
    echo "$0: PROCESSES must be a whole number from 1, got '$3'" >&2
    exit 2
fi
if [ "${NNODES:-1}" != 1 ] && [ -z "${NODE_RANK:+${MASTER_ADDR:-}}" ]; then
    echo "$0: NNODES=$NNODES needs NODE_RANK (0 on the first machine, then 1 ...) and MASTER_ADDR (the first one's address)" >&2
    exit 2
fi

export PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
exec python "$(dirname "$0")/torchrun.py" \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$3" \
    "$(dirname "$0")/test.py" "$1" "$2" --launcher pytorch "${@:4}"
