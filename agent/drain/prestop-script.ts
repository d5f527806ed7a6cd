// The preStop script of the postgres container, and its installation into the run directory.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../probes/replace-file.ts'

/** What holds until the sidecar has written its own limits, seconds: a pod without a word on it has a grace period of 30. */
const defaultDeadline = 25
/** A sidecar whose beat stands still for so long is dead or frozen, seconds. */
export const silenceSeconds = 10
/** How often the script renews its request, seconds. */
const renewEvery = 3

/**
 * The script: POSIX sh with date, dd, mv, rm and sleep, as every image with PostgreSQL has them. It keeps no temporary
 * files of the shell (here-documents are some in bash), reads at most 16 KiB of any file and opens nothing that could
 * block it. What it reads and writes is described in handshake.ts.
 */
export const prestopScript = String.raw`#!/bin/sh
# preStop of the postgres container: asks the citus-sidecar of this pod to let this node leave, prints the phases as
# they pass and ends when PostgreSQL may be stopped. Exit code 0: nothing was left undone; else one line says why.
# Written by citus-sidecar at every start: changes made here are lost.
set -f
umask 022
PATH=$PATH:/usr/local/bin:/usr/bin:/bin
case $0 in
*/*) dir=\${0%/*}/handshake ;;
*) dir=./handshake ;;
esac
lines='
'

fail() {
  printf 'citus-sidecar: %s\n' "$1" >&2
  exit 1
}

# Seconds, and not so many or such that the shell would miscalculate.
seconds() {
  case $1 in
  '' | 0* | *[!0-9]* | ????????????*) return 1 ;;
  esac
}

# The beginning of a file, whatever lies in its place.
content() {
  [ -f "$1" ] && dd if="$1" bs=16384 count=1 2>/dev/null
}

new_id() {
  read -r id 2>/dev/null </proc/sys/kernel/random/uuid || id=$$-$began
}

ask() {
  asked=$time
  {
    printf '%s %s %s\n' "$id" "$time" "$((began + deadline))" >"$dir/request.$$.new" &&
      [ -s "$dir/request.$$.new" ] && mv -f "$dir/request.$$.new" "$dir/request"
  } 2>/dev/null && written=yes && return
  written=
  rm -f "$dir/request.$$.new" 2>/dev/null
}

# The id of somebody who asks right now; sets other.
who_asks() {
  other=
  set -- $(content "$dir/request")
  case \${1-} in '' | *[!A-Za-z0-9-]*) return ;; esac
  seconds "\${2-}" && [ $((time - $2)) -lt 15 ] && other=$1
}

leave() {
  trap - EXIT
  [ -z "$ticker" ] || kill "$ticker" 2>/dev/null
  rm -f "$dir/request.$$.new" 2>/dev/null
  who_asks
  [ -z "$id" ] || [ "$other" != "$id" ] || rm -f "$dir/request" 2>/dev/null
}

# The sidecar wakes us through a pipe, a ticker does so every second; without a pipe every second has to do.
listen() {
  [ -p "$dir/wake" ] || mkfifo -m 666 "$dir/wake" 2>/dev/null
  [ -p "$dir/wake" ] && [ -r "$dir/wake" ] && [ -w "$dir/wake" ] || return
  # In one redirection that may fail without ending the shell: the pipe may be gone by now.
  { command exec 3<>"$dir/wake"; } 2>/dev/null || return
  # The ticker has the open pipe, not its path: one that could not open it would leave us waiting for good.
  (while sleep 1 && kill -0 $$ && echo; do :; done) >&3 3<&- 2>/dev/null &
  ticker=$!
}

pause() {
  if [ -n "$ticker" ]; then read -r _ <&3; else sleep 1; fi
}

# Reads the sidecar's answer; sets whom it is for, which drain it is, and its end.
read_state() {
  ids= drain= end= state=$(content "$dir/state")
  IFS=$lines
  for line in $state; do
    case $line in
    'asked '*) ids=" \${line#asked } " ;;
    'drain '*) drain=\${line#drain } ;;
    done | 'failed '*) end=$line ;;
    esac
  done
  unset IFS
  for_us
}

for_us() {
  mine=
  [ -z "$id" ] || case $ids in *" $id "*) mine=yes ;; esac
}

show_phases() {
  [ "$drain" = "$shown_drain" ] || shown=0
  shown_drain=$drain
  count=0
  IFS=$lines
  for line in $state; do
    case $line in 'passed '*) ;; *) continue ;; esac
    count=$((count + 1))
    last=\${line#passed }
    [ "$count" -le "$shown" ] || printf 'citus-sidecar: %s\n' "$last"
  done
  unset IFS
  [ "$count" -le "$shown" ] || shown=$count
}

silent() {
  [ -d "$dir" ] || fail "$dir is missing: no sidecar has started here"
  [ -n "$written" ] || fail "nothing could be written into $dir for $silence s: is the volume full, or is the fsGroup not shared?"
  [ -n "$heard" ] || fail "the sidecar gave no answer for $silence s: it does not run; PostgreSQL stops without a drain"
  fail "the sidecar fell silent for $silence s: it is dead or frozen; PostgreSQL stops before its drain is done"
}

id= ticker= beat= heard= written= shown=0 shown_drain= last='no phase yet'
began=$(date +%s) asked=0 deadline=${defaultDeadline} silence=${silenceSeconds}
alive=$began time=$began
beat=$(content "$dir/beat")
trap leave EXIT
trap 'exit 1' HUP INT TERM
while :; do
  # Again until it works: the sidecar may make the folder only now.
  [ -n "$ticker" ] || listen
  time=$(date +%s)
  set -- $(content "$dir/limits")
  [ "\${1-}" != deadline ] || ! seconds "\${2-}" || deadline=$2
  [ "\${3-}" != silence ] || ! seconds "\${4-}" || silence=$4
  next=$(content "$dir/beat")
  [ "$next" = "$beat" ] || beat=$next alive=$time heard=yes

  read_state
  if [ -z "$mine" ]; then
    # Somebody asks already: the same question, and the same answer. One that is answered was about an earlier stop.
    who_asks
    [ -z "$end" ] || case $ids in *" $other "*) other= ;; esac
    [ -z "$other" ] || id=$other
    [ -n "$id" ] || new_id
    for_us
  fi
  if [ -n "$mine" ]; then
    show_phases
    case $end in
    done)
      printf 'citus-sidecar: done, PostgreSQL may be stopped\n'
      exit 0
      ;;
    failed*) fail "\${end#failed }" ;;
    esac
  fi
  [ $((time - alive)) -lt "$silence" ] || silent
  [ $((time - began)) -lt "$deadline" ] || fail "not done within $deadline s; the last phase that passed: $last"
  [ $((time - asked)) -lt ${renewEvery} ] || ask
  pause
done
`.replaceAll('\\${', '${')

/** Writes the script to `prestop` in the run directory; who starts it meanwhile gets the old one or the new one, never half. @throws the file system's error. */
export async function installPrestop(runDir: string): Promise<void> {
  await mkdir(runDir, { recursive: true })
  await replaceFile(join(runDir, 'prestop'), prestopScript, 0o755)
}
