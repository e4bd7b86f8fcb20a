#!/usr/bin/env bash
# Correctness, cuBLAS and measurements on this machine, within ten minutes:
#
#   . .device/enter.sh && bash .device/run.sh
#
# OUT            folder of the results, default .device/out: run.log, check.json, reference.json,
#                results.json, results.md, tuning-….json
# QUICK=1        about two minutes, fewer shapes
# DEVICE=KIND    gpu (default); software and emulated try the recipe itself
#
# A step that fails does not keep the next ones from running; the exit status says that one did:
# 1 check, 2 cuBLAS, 4 measurements, added up.
set -uo pipefail

: "${DEVICE_HOME:?source .device/enter.sh first}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${OUT:-.device/out}
device=${DEVICE:-gpu}
mkdir -p "$out" || exit 8
rm -f "$out"/{check,reference,results,tuning-*}.json "$out/results.md"

# Seconds: what a step plans for, and after how many it is ended, when it hangs.
if [ "${QUICK:-}" = 1 ]; then
  quick=(--quick)
  check_s=35 check_end=50 cublas_end=40 measure_s=50 tune_s=12 measure_end=75
else
  quick=()
  check_s=140 check_end=170 cublas_end=80 measure_s=240 tune_s=70 measure_end=300
fi
failed=0

step() { # CODE SECONDS COMMAND…
  local code=$1 seconds=$2 began=$SECONDS status
  shift 2
  printf '\n== %s\n' "$*"
  timeout --kill-after=5 "$seconds" "$@"
  status=$?
  [ "$status" -eq 124 ] && echo "ended after $seconds s"
  printf '== status %s after %s s\n' "$status" "$((SECONDS - began))"
  [ "$status" -eq 0 ] || failed=$((failed | code))
}

main() {
  echo "== machine"
  date -u +%FT%TZ
  uname -srm
  echo "commit $ANYK_COMMIT, Node $(node -p process.version)"
  if command -v nvidia-smi >/dev/null; then
    timeout 10 nvidia-smi \
      --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit,temperature.gpu \
      --format=csv || echo "nvidia-smi failed"
  else
    echo "there is no nvidia-smi"
  fi

  step 1 "$check_end" node "$DEVICE_HOME/check.mjs" --device "$device" --budget "$check_s" \
    "${quick[@]}" --out "$out"

  shapes=$(node "$DEVICE_HOME/measure.mjs" --list-shapes --device "$device" "${quick[@]}")
  dry=()
  [ "$device" = gpu ] || dry=(--dry-run)
  step 2 "$cublas_end" python3 "$here/cublas.py" --shapes "$shapes" --out "$out/reference.json" \
    "${quick[@]}" "${dry[@]}"

  reference=()
  [ -e "$out/reference.json" ] && reference=(--reference "$out/reference.json")
  checked=()
  [ -e "$out/check.json" ] && checked=(--check "$out/check.json")
  step 4 "$measure_end" node "$DEVICE_HOME/measure.mjs" --device "$device" --budget "$measure_s" \
    --tune "$tune_s" "${quick[@]}" "${reference[@]}" "${checked[@]}" --out "$out"

  printf '\n== all of it: status %s after %s s; results in %s\n' "$failed" "$SECONDS" "$out"
  return "$failed"
}

main 2>&1 | tee "$out/run.log"
exit "${PIPESTATUS[0]}"
