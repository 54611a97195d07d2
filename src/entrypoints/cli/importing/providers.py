"""The providers that other gateways name, and their APIs in OpenAI's form."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider with an API in OpenAI's form; without `base_url` the file has to name it.

    `path` is what its address needs behind the one that other gateways are given.
    """

    name: str
    variable: str
    base_url: str | None = None
    path: str = ""
    needs_key: bool = True


def _known(*providers: Provider, **others: str) -> Mapping[str, Provider]:
    found = {it.name: it for it in providers}
    return MappingProxyType(found | {name: found[same] for name, same in others.items()})


ANTHROPIC = "anthropic"
AZURE = "azure"
OPENAI = "openai"
PROVIDERS = _known(
    Provider(OPENAI, "OPENAI_API_KEY", "https://api.openai.com/v1"),
    Provider(ANTHROPIC, "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1", "/v1"),
    Provider(AZURE, "AZURE_API_KEY", None, "/openai/v1"),
    Provider("cerebras", "CEREBRAS_API_KEY", "https://api.cerebras.ai/v1"),
    Provider("cohere", "COHERE_API_KEY", "https://api.cohere.ai/compatibility/v1"),
    Provider("deepinfra", "DEEPINFRA_API_KEY", "https://api.deepinfra.com/v1/openai"),
    Provider("deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com/v1"),
    Provider("fireworks", "FIREWORKS_API_KEY", "https://api.fireworks.ai/inference/v1"),
    Provider("gemini", "GEMINI_API_KEY", "https://generativelanguage.googleapis.com/v1beta/openai"),
    Provider("groq", "GROQ_API_KEY", "https://api.groq.com/openai/v1"),
    Provider("mistral", "MISTRAL_API_KEY", "https://api.mistral.ai/v1"),
    Provider("moonshot", "MOONSHOT_API_KEY", "https://api.moonshot.ai/v1"),
    Provider("nvidia", "NVIDIA_NIM_API_KEY", "https://integrate.api.nvidia.com/v1"),
    Provider("ollama", "OLLAMA_API_KEY", "http://localhost:11434/v1", "/v1", needs_key=False),
    Provider("openrouter", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1"),
    Provider("perplexity", "PERPLEXITYAI_API_KEY", "https://api.perplexity.ai"),
    Provider("sambanova", "SAMBANOVA_API_KEY", "https://api.sambanova.ai/v1"),
    Provider("together", "TOGETHERAI_API_KEY", "https://api.together.xyz/v1"),
    Provider("vllm", "HOSTED_VLLM_API_KEY", needs_key=False),
    Provider("lm-studio", "LM_STUDIO_API_KEY", needs_key=False),
    Provider("openai-like", "OPENAI_LIKE_API_KEY", needs_key=False),
    Provider("litellm-proxy", "LITELLM_PROXY_API_KEY"),
    Provider("xai", "XAI_API_KEY", "https://api.x.ai/v1"),
    **{
        "azure-openai": AZURE,
        "custom_openai": "openai-like",
        "fireworks_ai": "fireworks",
        "fireworks-ai": "fireworks",
        "google": "gemini",
        "hosted_vllm": "vllm",
        "litellm_proxy": "litellm-proxy",
        "lm_studio": "lm-studio",
        "mistral-ai": "mistral",
        "nvidia_nim": "nvidia",
        "ollama_chat": "ollama",
        "open-ai": OPENAI,
        "openai_like": "openai-like",
        "perplexity-ai": "perplexity",
        "text-completion-openai": OPENAI,
        "together-ai": "together",
        "together_ai": "together",
        "x-ai": "xai",
    },
)
# Names of providers whose APIs need another form, or another way to sign requests.
FOREIGN = frozenset(
    {
        "a2a", "ai21", "aiml", "assemblyai", "auto_router", "azure_ai", "azure-ai", "aws-polly",
        "azure_text", "bedrock", "bytez", "clarifai", "cloudflare", "codestral", "cohere_chat",
        "databricks", "datarobot", "deepgram", "dashscope", "elevenlabs", "gigachat",
        "github", "github_copilot", "gradient_ai", "heroku", "huggingface", "infinity", "jina_ai",
        "langgraph", "meta_llama", "milvus", "minimax", "nlp_cloud", "novita", "nscale", "oci",
        "palm", "petals", "pg_vector", "predibase", "recraft", "replicate", "runwayml", "sagemaker",
        "sagemaker_chat", "snowflake", "stability", "stability-ai", "topaz", "triton", "v0",
        "vercel_ai_gateway", "vertex_ai", "vertex-ai", "vertex_ai_beta", "volcengine", "voyage",
        "watsonx", "workers-ai", "xinference", "zai",
    }
)  # fmt: skip
# The beginnings of names that need no provider in front.
WITHOUT_PREFIX = MappingProxyType(
    {
        OPENAI: (
            *("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "text-moderation-"),
            *("omni-moderation-", "dall-e-", "whisper-", "tts-", "ft:gpt-", "davinci-", "babbage-"),
        ),
        ANTHROPIC: ("claude-",),
        "cohere": ("command",),
        "gemini": ("gemini-",),
    }
)


def guess(model: str) -> str | None:
    """Returns the name of the provider that a model without a prefix belongs to."""
    found = (name for name, marks in WITHOUT_PREFIX.items() if model.startswith(marks))
    return next(found, None)
