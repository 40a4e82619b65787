# Freshdesk to Jira for examples/demo.sh, which reads this file: both services are played by their simulators.
# shellcheck shell=bash disable=SC2034,SC2154

[[ -z $to ]] || fail "--to is for certificates"
rows=${rows:-200}
work=$directory/$pair
targets=(migrate_program migrate-sandbox migrate_plugin_freshdesk migrate_plugin_jira migrate_plugin_fields)

forget() { [[ ! -e $work ]] || rm -r -- "$work"; }

sandbox=''
stop_sandbox() {
  [[ -z $sandbox ]] || kill "$sandbox" 2>/dev/null || true
  sandbox=''
}

prepare() {
  say "the two services, played here"
  # The target lives as long as this demo, so what a former one has remembered of it is of no use.
  forget
  local ready=$directory/$pair-services.json wait=0
  : >"$ready"
  build/release/bin/migrate-sandbox --only freshdesk,jira --items "$rows" --parent-exit >"$ready" &
  sandbox=$!
  trap stop_sandbox EXIT
  # It prints one line when both listen.
  until grep -q '"ready":true' "$ready"; do
    kill -0 "$sandbox" 2>/dev/null || fail "migrate-sandbox did not start"
    ((++wait < 600)) || fail "migrate-sandbox does not get ready"
    sleep 0.1
  done
  address() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$ready"; }
  source_url=$(address freshdesk) sink_url=$(address jira)
  echo "Freshdesk at $source_url, Jira at $sink_url"
  export FRESHDESK_API_KEY=freshdesk-simulator-key JIRA_EMAIL=migrator@example.com JIRA_TOKEN=jira-token
  options+=(--set "source.url=$source_url" --set "sink.url=$sink_url" --verify comprehensive)
}

tell() {
  echo "migrated from  $source_url ($rows tickets)"
  echo "         to    $sink_url; what it holds: $work/jira-state.json"
  python3 -c 'import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1] + "/_sim/state").read())' \
    "$sink_url" >"$work/jira-state.json"
}
