#!/bin/sh
# Start a session, continue it, list it and delete it.
#
#     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
#     sh sessions.sh
set -eu

headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

# ask TEXT HEADER
ask() {
  curl -sS --fail-with-body "$OPENAI_BASE_URL/chat/completions" --dump-header "$headers" \
    -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' -H "$2" \
    -d "{\"model\": \"sonnet\", \"messages\": [{\"role\": \"user\", \"content\": \"$1\"}]}"
  echo
}

ask 'My name is Ada.' 'X-Claude-Code: true'
session=$(sed -n 's/^x-claude-session-id: *\([^[:space:]]*\).*/\1/Ip' "$headers")
ask 'What is my name?' "X-Claude-Session-ID: $session"

curl -sS --fail-with-body -H "Authorization: Bearer $OPENAI_API_KEY" "$OPENAI_BASE_URL/sessions"
echo
curl -sS --fail-with-body -H "Authorization: Bearer $OPENAI_API_KEY" -X DELETE \
  "$OPENAI_BASE_URL/sessions/$session"
echo
