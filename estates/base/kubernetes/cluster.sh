# For estates with Kubernetes steps; source it after ../estate.sh. compose.yml needs the service `kubernetes` (README.md beside this).
export DOCKER_SOCKET=${DOCKER_SOCKET:-${DOCKER_HOST:-unix:///var/run/docker.sock}}
DOCKER_SOCKET=${DOCKER_SOCKET#unix://}
export KUBECONFIG=$here/state/kubeconfig

# kubectl of the image, on this machine: state/bin/kubectl
kubectl() { "$here/state/bin/kubectl" "$@"; }

# cluster_up CONTEXT NAMESPACE [FILE OR FOLDER...]: after `compose up`; writes state/kubeconfig, and applies the manifests
cluster_up() {
  local context=$1 namespace=$2 until=$((SECONDS + 60))
  shift 2
  mkdir -p state/bin
  [ -x state/bin/kubectl ] || docker cp -q -L "$(compose ps -q kubernetes)":/usr/local/bin/kubectl state/bin/kubectl 2>/dev/null ||
    docker cp -L "$(compose ps -q kubernetes)":/usr/local/bin/kubectl state/bin/kubectl
  cat > state/kubeconfig <<END
apiVersion: v1
kind: Config
clusters: [{name: estate, cluster: {server: "http://127.0.0.1:$KUBERNETES_PORT"}}]
users: [{name: operator, user: {}}]
contexts: [{name: $context, context: {cluster: estate, user: operator, namespace: $namespace}}]
current-context: $context
END
  until curl -fsS "http://127.0.0.1:$KUBERNETES_PORT/readyz" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { echo "the API server does not answer" >&2; return 1; }
    sleep 0.2
  done
  kubectl get namespace "$namespace" >/dev/null 2>&1 || kubectl create namespace "$namespace" >/dev/null
  for file in "$@"; do kubectl apply -n "$namespace" -f "$file" >/dev/null; done
}
