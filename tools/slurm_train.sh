#!/usr/bin/env bash
# bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [FLAGS OF train.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS (further flags of srun) are read from the environment.
set -euo pipefail
if [ $# -lt 3 ]; then
    sed -n 2,3p "$0" >&2
    exit 2
fi
if [[ $3 != *::* && ! -f $3 ]]; then # a job would wait in the queue to say so
    echo "$0: CONFIG='$3' is not a file" >&2
    exit 2
fi
for name in GPUS GPUS_PER_NODE CPUS_PER_TASK; do
    if [[ ! ${!name:-1} =~ ^[1-9][0-9]*$ ]]; then
        echo "$0: $name must be a whole number from 1, got '${!name}'" >&2
        exit 2
    fi
done

GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
export MASTER_PORT=${MASTER_PORT:-$((12000 + RANDOM % 20000))}
export PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
# shellcheck disable=SC2086  (SRUN_ARGS is a list of words)
exec srun -p "$1" \
    --job-name="$2" \
    --gres="gpu:$GPUS_PER_NODE" \
    --ntasks="$GPUS" \
    --ntasks-per-node="$GPUS_PER_NODE" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/train.py" "$3" --launcher slurm "${@:4}"
