# Starts PostgreSQL, after what it needs: a password file for the connections between nodes and, once, a database.
# In PostgreSQL's own container: an init container would make every restart, and whoever waits for it, a second or two slower.
# The database is not made by the image's entry point. That would leave the superuser's password in the server's environment, where libpq
# prefers it to the password file, and would take a database that it was killed while making for a whole one.
set -eu
umask 077

# libpq ignores a password file that its group may read, and files of a Secret always are such.
escape() { sed 's/[\\:]/\\&/g'; }
for file in /etc/citus/passwords/*; do
  printf '*:*:*:%s:%s\n' "$(printf '%s' "${file##*/}" | escape)" "$(escape <"$file")"
done >/run/citus/passfile

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA.new"
  # Fails, and should, where something else lies in its place.
  [ ! -e "$PGDATA" ] || rmdir "$PGDATA"
  initdb --pgdata="$PGDATA.new" --username=postgres --pwfile=/etc/citus/passwords/postgres --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  mv "$PGDATA.new" "$PGDATA"
fi
# A volume's group may have been given rights to it, with which PostgreSQL would not start.
chmod 0700 "$PGDATA"

umask 022
! command -v docker-entrypoint.sh >/dev/null || set -- docker-entrypoint.sh "$@"
exec "$@"
