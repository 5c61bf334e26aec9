#!/usr/bin/env bash
# Makes the image watchkeeper-estate-base. Takes debian:bookworm from the engine, else from its registry; where neither is to be
# had, makes it with debootstrap (root) from Debian's own mirror. Builds with the host's network.
set -euo pipefail
cd "$(dirname "$0")"
image=watchkeeper-estate-base
wanted=$(cat Dockerfile build.sh | sha256sum | cut -c1-16)
docker version >/dev/null 2>&1 || { echo "No Docker Engine answers at ${DOCKER_HOST:-unix:///var/run/docker.sock}. Try: start it, or set DOCKER_HOST" >&2; exit 1; }
have=$(docker image inspect --format '{{ index .Config.Labels "made-from" }}' "$image" 2>/dev/null || true)
[ "$have" = "$wanted" ] && exit 0

if ! docker image inspect debian:bookworm >/dev/null 2>&1 && ! timeout 60 docker pull -q debian:bookworm 2>/dev/null; then
  command -v debootstrap >/dev/null || { echo "debian:bookworm cannot be pulled here and debootstrap is not installed. Try: apt-get install debootstrap" >&2; exit 1; }
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  echo "Making debian:bookworm with debootstrap."
  mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
  debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
  printf 'deb %s bookworm main\ndeb %s bookworm-updates main\n' "$mirror" "$mirror" > "$root/etc/apt/sources.list"
  rm -rf "$root"/var/cache/apt/archives/*.deb
  tar -C "$root" -c . | docker import - debian:bookworm >/dev/null
fi
context=$(mktemp -d)
trap 'rm -rf "${root:-$context}" "$context"' EXIT
cp Dockerfile "$context/"
mkdir "$context/certificates"
# one file an authority, as update-ca-certificates wants them
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || csplit -s -z -f "$context/certificates/host-" -b '%03d.crt' \
  /etc/ssl/certs/ca-certificates.crt '/-----BEGIN CERTIFICATE-----/' '{*}'
docker build -q --network host --label "made-from=$wanted" -t "$image" "$context" >/dev/null
