#!/bin/sh
# Prints where a demonstration is served, and for each role its token and its link to sign in, as settings of
# the shell. The scripts of this folder and the examples of docs/clients.md read them:
#
#   wayin demo >said.txt &
#   eval "$(tests/clients/settings.sh said.txt)"
set -eu

sed -n 's|^GraphQL *\(http.*\)/graphql$|export WAYIN=\1|p' "$1"
for role in FUNDER PARTNER DASHBOARD STEWARD; do
    # The token is alone on the line after the role's.
    sed -n "/^$role /{n;s/^ */export $role=/p;}" "$1"
done
for role in Funder Partner Dashboard Steward; do
    # So is the link.
    name="SIGN_IN_$(printf %s "$role" | tr '[:lower:]' '[:upper:]')"
    sed -n "/^$role /{n;s|^ *\(http.*/sign-in/.*\)$|export $name=\1|p;}" "$1"
done
