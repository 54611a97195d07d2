#!/bin/sh
# Print Claude's answer as server-sent events.
#
#     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
#     sh streaming.sh
set -eu

curl -sS --no-buffer --fail-with-body "$OPENAI_BASE_URL/chat/completions" \
  -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' \
  -H 'X-Claude-Code: true' \
  -d '{"model": "sonnet", "stream": true, "messages": [{"role": "user", "content": "Hello?"}]}'
