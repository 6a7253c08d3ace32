"""The masked-event BERT: a transformer encoder that guesses hidden events from the events around them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from model.errors import ModelError
from model.vocabulary import MASK, PAD

__all__ = ["ENCODERS", "MAX_TOKENS", "MaskedEventBert", "NetworkConfig", "drop_pooler", "longest_for", "small_encoder"]

#: The largest window, 512 events, with its BOS and EOS.
MAX_TOKENS = 514
#: What a network reads at once where its positions are rotations, and the kinds of encoders in which they are.
_STRETCH_TOKENS = 128
_ROTATING = {"modernbert"}
#: The builds of encoders that are taken, by the names that transformers has for them.
ENCODERS = ("bert", "distilbert", "roberta", "modernbert")
#: Far more layers than any of them has; each is built before its weights can be compared.
_MOST_LAYERS = 256


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """The architecture; with it and the weights the network can be built again.

    Attributes:
        tokens: Vocabulary size, special tokens included.
        encoder: Configuration of the transformers encoder, with its ``model_type``; its own word table is not used.
        text_size: Length of a template text's reading; 0 where the network has none.
        longest: So many tokens are read, and learnt from, at once; longer windows in stretches.
    """

    tokens: int
    encoder: Mapping[str, Any]
    text_size: int = 0
    longest: int = MAX_TOKENS

    def to_json(self) -> dict[str, Any]:
        """A JSON object that ``from_json`` reads; that of a network that reads every window at once is as ever."""
        value = asdict(self)
        if self.longest == MAX_TOKENS:
            del value["longest"]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "NetworkConfig":
        """Read what ``to_json`` wrote.

        Raises:
            ModelError: A field is missing, unknown or of the wrong kind.
        """
        try:
            numbers = int(value["text_size"]), int(value.get("longest", MAX_TOKENS))
            config = cls(int(value["tokens"]), dict(value["encoder"]), *numbers)
        except (KeyError, TypeError, ValueError) as exc:
            raise ModelError(f"the network configuration is broken ({exc}); train the model again.") from exc
        if not _STRETCH_TOKENS <= config.longest <= MAX_TOKENS:
            raise ModelError(f"the network cannot read {config.longest} tokens at once; train the model again.")
        return config


def small_encoder(hidden_size: int, layers: int, heads: int, *, dropout: float = 0.1) -> dict[str, Any]:
    """Describe a BERT encoder to be trained from scratch: a ModernBERT, in which each layer sees the whole window.

    Its positions are rotations, so a layer sees how far apart two events are; BERT has to learn that for each pair of
    places, from far more windows (``docs/decisions/0020``).

    Source: Warner et al., "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder", 2024, section 2.1; Su et
    al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021.
    """
    rotations = {"rope_type": "default", "rope_theta": 10_000.0}
    no_words = dict.fromkeys(("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"))
    return {
        "model_type": "modernbert",
        "vocab_size": 1,
        "hidden_size": hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 2 * hidden_size,  # gated: three matrices of this size to BERT's two of twice it
        "max_position_embeddings": MAX_TOKENS,
        "global_attn_every_n_layers": 1,
        "rope_parameters": {"full_attention": rotations, "sliding_attention": rotations},
        "embedding_dropout": dropout,
        "attention_dropout": dropout,
        "mlp_dropout": dropout,
        "pad_token_id": 0,
        **no_words,
    }


def longest_for(encoder: Mapping[str, Any]) -> int:
    """How many tokens a network with such an encoder should read and learn from at once.

    Attention costs the square of their number. Where positions are rotations, the network sees how far apart events are
    and learns as much from a part of a window. Where places have embeddings, it has to learn about all of them.
    """
    return _STRETCH_TOKENS if encoder["model_type"] in _ROTATING else MAX_TOKENS


class MaskedEventBert(nn.Module):
    """A BERT-family encoder over event tokens, with the output layer tied to the event embeddings.

    An event's embedding is a learnt vector plus, where template texts were read, a projection of its text's reading:
    events with like texts start alike. Predictions go through BERT's own head (dense, GELU, layer norm) and are
    compared with the same embeddings.

    Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
    NAACL 2019, section 3.1, task 1 (masked language modelling); tied tables after Press and Wolf, EACL 2017.
    """

    text_readings: Tensor | None
    unpredictable: Tensor

    def __init__(self, config: NetworkConfig, encoder: PreTrainedModel | None = None) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder if encoder is not None else _build_encoder(config)
        hidden = int(self.encoder.config.hidden_size)
        self.table = nn.Embedding(config.tokens, hidden)
        nn.init.normal_(self.table.weight, std=0.02)
        self.head = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.LayerNorm(hidden))
        self.bias = nn.Parameter(torch.zeros(config.tokens))
        self.register_buffer("text_readings", _readings_buffer(config))
        self.text_projection = nn.Linear(config.text_size, hidden, bias=False) if config.text_size else None
        self.register_buffer("unpredictable", torch.tensor([PAD, MASK]), persistent=False)

    def set_text_readings(self, readings: Tensor) -> None:
        """Give every token its text's reading, shape (tokens, text_size); zeros where it has no text.

        Raises:
            ModelError: The network has none, or of another shape.
        """
        if self.text_readings is None or self.text_readings.shape != readings.shape:
            raise ModelError(f"template readings of the shape {tuple(readings.shape)} do not fit the network.")
        self.text_readings.copy_(readings)

    def embeddings(self) -> Tensor:
        """The embedding of every token, shape (tokens, hidden)."""
        if self.text_projection is None or self.text_readings is None:
            return self.table.weight
        return self.table.weight + cast("Tensor", self.text_projection(self.text_readings))

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Predict the masked events.

        Args:
            tokens: (batch, length) int64, ``MASK`` where an event is hidden, ``PAD`` behind the end.
            targets: (batch, length) bool, True where a prediction is wanted.

        Returns:
            Log-probabilities, (wanted, tokens) float32, in the row-major order of ``targets``.
        """
        table = self.embeddings()  # (V, C)
        embedded = nn.functional.embedding(tokens, table)  # (B, T, C)
        attended = (tokens != PAD).long()  # (B, T)
        states = self.encoder(inputs_embeds=embedded, attention_mask=attended).last_hidden_state  # (B, T, C)
        wanted = self.head(states[targets])  # (M, C)
        logits = wanted @ table.T + self.bias  # (M, V)
        return cast("Tensor", logits.index_fill(1, self.unpredictable, -torch.inf).log_softmax(dim=1))  # (M, V)


def _readings_buffer(config: NetworkConfig) -> Tensor | None:
    return torch.zeros(config.tokens, config.text_size) if config.text_size else None


def _build_encoder(config: NetworkConfig) -> PreTrainedModel:
    options = dict(config.encoder)
    _check_encoder(options)
    try:
        encoder_config = AutoConfig.for_model(options.pop("model_type"), **options)
        encoder: PreTrainedModel = AutoModel.from_config(encoder_config)  # type: ignore[no-untyped-call]
    except Exception as exc:  # of a broken configuration transformers raises whatever comes
        raise ModelError(f"transformers cannot build the network's encoder: {exc}") from exc
    drop_pooler(encoder)
    return encoder


def _check_encoder(options: Mapping[str, Any]) -> None:
    """Refuse what could load code, or take all memory before the weights show that it is wrong."""
    if options.get("model_type") not in ENCODERS:
        known = ", ".join(ENCODERS)
        raise ModelError(f"the network's encoder is a {options.get('model_type')!r}; known are {known}.")
    # A name of an attention may be that of a repository with kernels, which transformers would fetch and run.
    strange = [name for name in options if name.startswith("_") or "implementation" in name or name == "auto_map"]
    if strange:
        raise ModelError(f"the network's encoder has the setting {strange[0]!r}, which no model of logscry has.")
    layers = options.get("num_hidden_layers", options.get("n_layers", 0))
    if not (isinstance(layers, int) and 0 <= layers <= _MOST_LAYERS):
        raise ModelError(f"the network's encoder has {layers!r} layers; allowed are up to {_MOST_LAYERS}.")


def drop_pooler(encoder: PreTrainedModel) -> None:
    """Take the pooler off an encoder, if it has one: only ``last_hidden_state`` is read here."""
    if hasattr(encoder, "pooler"):
        encoder.register_module("pooler", None)
