"""LangChain with both backends: a chain, a stream, and a session.

pip install langchain-openai
export OPENAI_BASE_URL=http://127.0.0.1:3456/v1 OPENAI_API_KEY=unused
python chat.py
"""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI

explain = ChatPromptTemplate.from_messages([("human", "What is {word}?")])

upstream = ChatOpenAI(model="gpt-4o")
print("Upstream:", (explain | upstream | StrOutputParser()).invoke({"word": "a gateway"}))

claude = ChatOpenAI(
    model="sonnet", default_headers={"X-Claude-Code": "true"}, include_response_headers=True
)
for piece in (explain | claude | StrOutputParser()).stream({"word": "a port"}):
    print(piece, end="", flush=True)
print()

first = claude.invoke("My name is Ada.")
session = first.response_metadata["headers"]["x-claude-session-id"]
second = claude.invoke("What is my name?", extra_headers={"X-Claude-Session-ID": session})
print(f"In session {session}: {second.content}")
