#!/usr/bin/env bash
# Train on several GPUs of a machine (or, where there is none, CPU processes):
#   tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# On several machines also set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -euo pipefail
if [ $# -lt 2 ]; then sed -n '2,4s/^# *//p' "$0" >&2; exit 2; fi
CONFIG=$1 GPUS=$2
shift 2
# On one machine torch takes a free port: two runs beside each other do not meet.
RENDEZVOUS=(--standalone --local-addr=127.0.0.1)
if [ -n "${NNODES:-}${PORT:-}" ]; then
    RENDEZVOUS=(--nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}"
        --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}")
fi
exec "${PYTHON:-python}" -m torch.distributed.run "${RENDEZVOUS[@]}" --nproc_per_node="$GPUS" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
