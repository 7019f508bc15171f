#!/usr/bin/env bash
# The gate as a step of a GitHub job: reports into a folder, the summary into the job's, the verdict
# into the step's outputs, and the gate's exit code.
#   gate.sh MOEBIUS CONFIG FOLDER
set -uo pipefail
moebius=$1 config=$2 folder=$3
mkdir -p "$folder" || exit 2

"$moebius" gate --config "$config" --markdown "$folder/gate.md" --comment "$folder/comment.md" \
  --junit "$folder/gate.xml" --json "$folder/gate.json"
code=$?

case $code in
  0) verdict=pass ;;
  1) verdict=regression ;;
  3) verdict=inconclusive ;;
  4) verdict=invalid ;;
  *) verdict=error ;;
esac
[[ -s $folder/gate.md && -n ${GITHUB_STEP_SUMMARY:-} ]] && cat "$folder/gate.md" >>"$GITHUB_STEP_SUMMARY"
[[ -n ${GITHUB_OUTPUT:-} ]] && printf 'verdict=%s\n' "$verdict" >>"$GITHUB_OUTPUT"
[[ $code -eq 3 ]] && echo "::warning title=moebius gate::inconclusive: too few questions to tell"
exit "$code"
