# shellcheck shell=bash
# Source this from the folder that holds .device, on the machine that it was packed for:
#
#   . .device/enter.sh
#
# It unpacks Node, the dependencies and the Vulkan loader once, into DEVICE_HOME, and puts Node on the
# PATH. It needs python3, no root and no network. The system stays as it is.

anyk_enter() {
  local pack=$1 home=${DEVICE_HOME:-${TMPDIR:-/tmp}/anyk-device-$(id -u)} id
  id=$(cat "$pack/id") || return 1
  if [ "$(cat "$home/ready" 2>/dev/null)" != "$id" ]; then
    rm -rf "$home" && mkdir -m 700 -p "$home/bin" || return 1
    python3 - "$pack" "$home" <<'PY' || return 1
import glob, lzma, os, shutil, sys, tarfile

pack, home = sys.argv[1:]
node = os.path.join(home, "bin", "node-itself")
with lzma.open(glob.glob(os.path.join(pack, "node-*.xz"))[0]) as packed, open(node, "wb") as out:
    shutil.copyfileobj(packed, out)
os.chmod(node, 0o755)
for name in ("node_modules", "libraries"):
    archive = os.path.join(pack, name + ".tar.xz")
    if os.path.exists(archive):
        with tarfile.open(archive) as packed:
            packed.extractall(home)
for program in glob.glob(os.path.join(pack, "*.mjs")):
    shutil.copy(program, home)
PY
    # The system's own libraries come first; what is packed serves Node alone, and only where they lack.
    local libraries="$home/lib" found
    found=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null) || found=
    case $found in *libvulkan.so.1*) rm -f "$libraries"/libvulkan.so.1* ;; esac
    local library
    for library in "$libraries"/*.so*; do
      [ -e "$library" ] || continue
      case $found in *"${library##*/} "*) rm -f "$library" ;; esac
    done
    cat >"$home/bin/node" <<SH || return 1
#!/bin/sh
LD_LIBRARY_PATH=\${LD_LIBRARY_PATH:+\$LD_LIBRARY_PATH:}$libraries
export LD_LIBRARY_PATH
exec "$home/bin/node-itself" "\$@"
SH
    chmod 755 "$home/bin/node" || return 1
    echo "$id" >"$home/ready" || return 1
  fi
  export DEVICE_HOME=$home
  export PATH=$home/bin:$PATH
  export XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$home}
  ANYK_COMMIT=$(cat "$pack/commit")
  export ANYK_COMMIT
  # In containers NVIDIA's manifest is often where the loader does not look.
  local manifest=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
  if [ -z "${VK_DRIVER_FILES:-}" ] && [ -e "$manifest" ]; then
    export VK_DRIVER_FILES=$manifest
  fi
}

anyk_enter "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)" || {
  echo "enter.sh: the pack could not be unpacked; it needs python3 with lzma, and room in ${TMPDIR:-/tmp}" >&2
  false
}
