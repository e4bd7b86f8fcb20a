#!/usr/bin/env bash
# Packs what a bare Linux x86-64 machine with an NVIDIA driver lacks into ./.device, so that check.ts,
# measure.ts and the built command line run there without a network: Node, the production dependencies
# (Dawn's Linux binary among them), both programs as one file each, and the Vulkan loader.
#
#   npm run bench:device:pack        # from the repository's root, on Linux x86-64
#
# README.md beside this file says how it goes on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "pack.sh needs Linux on x86-64" >&2; exit 2; }
for tool in node npm xz strip tar python3; do
  command -v "$tool" >/dev/null || { echo "pack.sh needs $tool" >&2; exit 2; }
done
out=$PWD/.device
limit_mib=56
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
echo '*' >"$out/.gitignore" # the folder ignores itself

# 1. Node, stripped. Compressing takes a minute, so a finished one is kept.
version=$(node -p process.version)
if [ ! -f "$out/node-$version.xz" ]; then
  echo "packing Node $version"
  rm -f "$out"/node-*.xz
  strip -o "$work/node" "$(readlink -f "$(command -v node)")"
  xz -T0 -6 -c "$work/node" >"$work/node.xz"
  mv "$work/node.xz" "$out/node-$version.xz"
fi

# 2. Production dependencies, with Linux x64's native binaries alone. Optional ones serve machines without
#    a GPU; peers (onnxruntime-node, gpu.js) are not installed by this.
echo "packing the dependencies"
cp package.json package-lock.json "$work/"
(cd "$work" && npm ci --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
find "$work/node_modules" -type d \( -name 'darwin-*' -o -name 'win32-*' -o -name 'linux-arm*' -o \
  -name 'android-*' -o -name 'ios-*' -o -name prebuilds \) -prune -exec rm -rf {} +
tar -C "$work" --sort=name --owner=0 --group=0 -cf - node_modules | xz -T0 -6 -c >"$work/node_modules.tar.xz"
mv "$work/node_modules.tar.xz" "$out/node_modules.tar.xz"

# 3. The Vulkan loader, and what NVIDIA's Vulkan driver is linked with where no display is installed.
if [ ! -f "$out/libraries.tar.xz" ]; then
  if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    echo "packing the Vulkan loader"
    mkdir -p "$work/debs" "$work/system" "$work/lib"
    (cd "$work/debs" && apt-get -o APT::Sandbox::User=root download libvulkan1 libegl1 libglvnd0 \
      libopengl0 libgl1 libglx0 libgles2 libx11-6 libxext6 libxcb1 libxau6 libxdmcp6 libbsd0 libmd0 >/dev/null)
    for deb in "$work/debs"/*.deb; do dpkg -x "$deb" "$work/system"; done
    find "$work/system" -name '*.so*' -exec cp -P {} "$work/lib/" \;
    tar -C "$work" --sort=name --owner=0 --group=0 -cf - lib | xz -T0 -6 -c >"$work/libraries.tar.xz"
    mv "$work/libraries.tar.xz" "$out/libraries.tar.xz"
  else
    echo "without apt-get the Vulkan loader stays behind: the machine must have libvulkan.so.1" >&2
  fi
fi

# 4. The programs.
echo "bundling check.ts and measure.ts"
npm run --silent bench:device:bundle
cp bench/device/cublas.py bench/device/enter.sh bench/device/run.sh "$out/"

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit+=+
echo "$commit" >"$out/commit"
# Tells one packing from another, where an older one is unpacked already.
cat "$out"/node-*.xz "$out"/*.tar.xz "$out"/*.mjs "$out/commit" | sha256sum | cut -c1-16 >"$out/id"

mib=$(du -sm "$out" | cut -f1)
echo "$mib MiB in .device"
if [ "$mib" -gt "$limit_mib" ]; then
  echo "that is more than $limit_mib MiB: too much to be carried along" >&2
  exit 1
fi
