# Keeps a throwaway PostgreSQL cluster for as long as standard input stays open,
# which it does until the tests end, however they end.
# Arguments: the folder of the server's programs, and a free port.
# Says `ready` and the password of the user `wayin`, or else what went wrong.
set -eu
exec 2>&1
programs=$1 port=$2

# Nobody may be left to read what is said; that is no reason to leave the cluster behind.
trap '' PIPE
folder=$(mktemp -d "${TMPDIR:-/tmp}/wayin-postgres-XXXXXX")
trap '"$programs/pg_ctl" stop --pgdata="$folder/data" --mode=immediate >/dev/null 2>&1 || :
      rm -rf "$folder"' EXIT

password=$(od -A n -t x1 -N 16 /dev/urandom | tr -d ' \n')
echo "$password" >"$folder/password"
chmod 600 "$folder/password"

# Sorting as English does is what a production server may well be set to.
"$programs/initdb" --pgdata="$folder/data" --username=wayin --pwfile="$folder/password" \
    --auth=password --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=en-GB \
    --no-sync >"$folder/log" || { cat "$folder/log"; exit 1; }

cat >>"$folder/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$folder'
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
END
"$programs/pg_ctl" start --pgdata="$folder/data" --log="$folder/log" --wait >/dev/null ||
    { cat "$folder/log"; exit 1; }

echo "ready $password"
cat >/dev/null
