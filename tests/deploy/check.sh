#!/usr/bin/env bash
# The files for containers, clusters and GitHub, by the checkers that know those formats. What
# hangs together between them and the service is checked by tests/it/deploy.
#
# Needs Python with venv (Debian: python3-venv); the checkers go to target/tools/deploy.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools=target/tools/deploy
if ! cmp -s tests/deploy/requirements.txt "$tools/requirements.txt"; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt
  cp tests/deploy/requirements.txt "$tools/requirements.txt"
fi
bin=$tools/bin

echo "-- Dockerfile"
"$bin/hadolint" Dockerfile

echo "-- compose.yaml, workflows"
"$bin/check-jsonschema" --builtin-schema vendor.compose-spec compose.yaml
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$bin/check-jsonschema" --builtin-schema vendor.dependabot .github/dependabot.yml
"$bin/zizmor" --offline --quiet .github

echo "-- Kubernetes"
# kustomization.yaml is read by kubectl alone, values by a chart, a monitor by an operator.
mapfile -t manifests < <(find deploy/kubernetes -name '*.yaml' | sort \
  | grep -v -e kustomization -e values -e service-monitor)
# The oldest version that knows `preStop.sleep`, and the newest that the checker has.
for version in 1.30 1.37; do
  "$bin/kubernetes-validate" --strict --quiet -k "$version" "${manifests[@]}"
done
# It must be able to fail.
broken=$(mktemp)
trap 'rm -f "$broken"' EXIT
sed 's/terminationGracePeriodSeconds/terminationGraceSeconds/' deploy/kubernetes/deployment.yaml > "$broken"
if "$bin/kubernetes-validate" --strict --quiet --no-warn "$broken" >/dev/null 2>&1; then
  echo "a deployment with a word that Kubernetes does not know is taken" >&2
  exit 1
fi
# The overlays of regions, and that all of it is put together: where kubectl is at hand.
if command -v kubectl >/dev/null; then
  for folder in deploy/kubernetes deploy/regions/eu deploy/regions/us; do
    kubectl kustomize "$folder" > "$broken"
    "$bin/kubernetes-validate" --strict --quiet "$broken"
  done
else
  echo "not put together: there is no kubectl"
fi

echo "-- scripts"
for script in deploy/release/*.sh; do bash -n "$script"; done
echo "deploy: all checks passed"
