# What PostgreSQL needs before it starts: a password file for the connections between nodes and, once, a database.
# Run by the init container `prepare` as PostgreSQL's user. The image's own way is not used: it would leave the superuser's
# password in the server's environment, where libpq prefers it to the password file, and a database that it was killed
# while making would be taken for a whole one.
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
