# What every estate does alike; an estate's own `estate` script sources this and ends with: estate_main "$@".
# It must define PORTS (names of ports to choose, written to .env) and the functions well and reset; it may define
# prepare (before the build), filled (after the start: replicas, clusters, first rows) and more verbs of its own.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
base=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=$(basename "$here")
cd "$here"
export COMPOSE_PROJECT_NAME=${ESTATE_PROJECT:-watchkeeper-$name} COMPOSE_HTTP_TIMEOUT=120
if docker compose version >/dev/null 2>&1; then compose() { docker compose "$@"; }; else compose() { docker-compose "$@"; }; fi
[ ! -f .env ] || { set -a && . ./.env && set +a; }

# a port of 127.0.0.1 that is free now
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

choose_ports() {
  [ -f .env ] && return
  for port in $PORTS; do printf '%s=%s\n' "$port" "$(free_port)"; done > .env.new
  mv .env.new .env
  set -a && . ./.env && set +a
}

# the pid, as this machine counts, of a service's first process
pid_of() { docker inspect -f '{{.State.Pid}}' "$(compose ps -q "$1")"; }

# a signal as the kernel would send it: Docker does not know that anybody wanted it
signal() {
  local pid
  pid=$(pid_of "$2")
  [ "$pid" != 0 ] || { echo "$2 does not run" >&2; return 1; }
  if [ "$(id -u)" = 0 ]; then kill "-$1" "$pid"; else docker run --rm --network none --privileged --pid host watchkeeper-estate-base kill "-$1" "$pid"; fi
}

verb_up() {
  "$base/build.sh"
  choose_ports
  ! declare -F prepare >/dev/null || prepare
  compose build -q
  compose up -d --no-recreate --quiet-pull 2>&1 | grep -v -E 'Creating|Starting|done|up-to-date|Running|Started|Created' || true
  ! declare -F filled >/dev/null || filled
  local until=$((SECONDS + ${PATIENCE:-90}))
  while ! said=$(well 2>&1); do
    [ "$SECONDS" -lt "$until" ] || { printf '%s is not well: %s\n' "$name" "$said" >&2; return 1; }
    sleep 0.5
  done
  sed 's/^/  /' .env
}

# the same, with a restart policy on every service: what Docker alone recovers
verb_restarts() {
  verb_up >/dev/null
  docker update --restart always $(compose ps -q) >/dev/null
}

verb_down() { compose down -v --remove-orphans -t 2 >/dev/null 2>&1; rm -rf .env state; }
verb_well() { well; }
verb_kill() { signal KILL "$1"; }
verb_hang() { docker pause "$(compose ps -q "$1")" >/dev/null; }
verb_resume() { docker unpause "$(compose ps -q "$1")" >/dev/null; }
verb_reset() { reset "$@"; }
verb_compose() { compose "$@"; }

estate_main() {
  local verb=${1:-}
  declare -F "verb_$verb" >/dev/null || {
    echo "Say one of: $(declare -F | sed -n 's/declare -f verb_//p' | tr '\n' ' ')" >&2
    return 2
  }
  shift
  "verb_$verb" "$@"
}
