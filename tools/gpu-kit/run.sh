#!/bin/sh
# run.sh [minutes] [more of forgelens train]
#
# Joins, checks and unpacks the kit beside it into ./forgelens-kit, trains for so many minutes (20), and packs the run
# into ./forgelens-run: pieces of at most 60 MiB and their SHA256SUMS. A folder forgelens-run that is there already is
# unpacked first, and the training in it goes on.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minutes=${1:-20}
[ $# -gt 0 ] && shift
kit=$PWD/forgelens-kit
result=$PWD/forgelens-run

# Joins the pieces of $2 in the folder $1, once they are whole.
unpack() {
  (cd "$1" && sha256sum --check --quiet SHA256SUMS)
  cat "$1/$2".* | tar -xz -C "$kit"
}

mkdir -p "$kit"
[ -x "$kit/node" ] || unpack "$here" kit.tar.gz
[ ! -e "$result/SHA256SUMS" ] || [ -e "$kit/run" ] || unpack "$result" run.tar.gz

if [ -z "${VK_ICD_FILENAMES:-}" ]; then
  for folder in /usr/share /etc /usr/local/share /usr/local/nvidia/share; do
    [ -e "$folder/vulkan/icd.d/nvidia_icd.json" ] && VK_ICD_FILENAMES=$folder/vulkan/icd.d/nvidia_icd.json && break
  done
  : "${VK_ICD_FILENAMES:=$(find / -xdev -name 'nvidia_icd*.json' 2>/dev/null | head -n 1)}"
fi
if [ -z "$VK_ICD_FILENAMES" ]; then
  echo "run.sh: the driver's nvidia_icd.json was not found; set VK_ICD_FILENAMES to the file of your Vulkan driver" >&2
  exit 1
fi
export VK_ICD_FILENAMES
export LD_LIBRARY_PATH="$kit/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

cd "$kit"
if [ -e run/run.json ]; then
  set -- --resume run "$@"
else
  set -- config.yaml --data data/index.csv --out run "$@"
fi
status=0
timeout -s INT -k 120 "${minutes}m" \
  ./node app/node_modules/forgelens/apps/cli/src/main.js train "$@" --device webgpu || status=$?
# 124: the time was up, and the training has saved itself.
[ "$status" -eq 124 ] && status=0
[ -e run/run.json ] || exit "$status"

rm -rf "$result"
mkdir "$result"
tar -cz run | (cd "$result" && split -b 60m -d -a 3 - run.tar.gz.)
cd "$result"
sha256sum run.tar.gz.* >SHA256SUMS
echo "the run is in $result"
exit "$status"
