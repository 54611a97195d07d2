#!/bin/sh
# Ask both backends the same question.
#
#     export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
#     sh hello.sh
set -eu

curl -sS --fail-with-body "$OPENAI_BASE_URL/chat/completions" \
  -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' \
  -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a gateway?"}]}'
echo

curl -sS --fail-with-body "$OPENAI_BASE_URL/chat/completions" \
  -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' \
  -H 'X-Claude-Code: true' \
  -d '{"model": "sonnet", "messages": [{"role": "user", "content": "What is a gateway?"}]}'
echo
