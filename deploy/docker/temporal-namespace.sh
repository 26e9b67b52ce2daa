#!/bin/sh
# Gives a Temporal cluster what Lumen needs: a namespace and six search attributes. Can run any number of times.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE are read by the program itself; TEMPORAL_RETENTION is how long closed episodes stay.
set -eu

# A server that has just started, or has just got a namespace, does not know all of it at once.
patiently() {
  left=60
  until said="$("$@" 2>&1)"; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      echo "$said" >&2
      return 1
    fi
    sleep 1
  done
}

namespace() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
}

patiently temporal operator cluster health
patiently namespace
patiently temporal operator namespace update --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
searched=""
# One call each: of several names in one call, the program may take the first only and say nothing.
for name in LumenState LumenOutcome LumenRule LumenAlert LumenSeverity LumenTarget; do
  patiently temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword
  searched="${searched:+$searched AND }$name = 'x'"
done
patiently temporal workflow count --namespace "$TEMPORAL_NAMESPACE" --query "$searched"
echo "namespace $TEMPORAL_NAMESPACE is ready"
