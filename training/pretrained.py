"""A pretrained encoder, read from its folder: its layers to start from, and its reading of the templates' texts."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from model.errors import ConfigurationError
from model.network import ENCODERS, MAX_TOKENS, drop_pooler

__all__ = ["Pretrained", "load_pretrained"]

_TEXTS_A_BATCH = 64
_LONGEST_TEXT_TOKENS = 128
#: An encoder may have room for more words than its tokenizer has, but not for twice as many.
_LEAST_WORDS_SHARE = 0.5


class Pretrained:
    """A loaded encoder with its tokenizer."""

    def __init__(self, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.encoder = encoder
        self.encoder.train(mode=False)
        self.tokenizer = tokenizer

    def read_texts(self, texts: Sequence[str]) -> Tensor:
        """Read texts: the mean of the last layer's states over each text's tokens, scaled to length 1.

        Source: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3 (mean pooling).

        Returns:
            (texts, hidden) float32.
        """
        rows = [self._read(texts[i : i + _TEXTS_A_BATCH]) for i in range(0, len(texts), _TEXTS_A_BATCH)]
        return torch.cat(rows)

    def _read(self, texts: Sequence[str]) -> Tensor:
        plain = [text.replace("<*>", " ") for text in texts]  # a wildcard is no word of the encoder's language
        batch = self.tokenizer(
            plain, return_tensors="pt", padding=True, truncation=True, max_length=_LONGEST_TEXT_TOKENS
        )
        with torch.inference_mode():
            states = self.encoder(**batch).last_hidden_state  # (B, T, C)
        weights = batch["attention_mask"][:, :, None].float()  # (B, T, 1)
        pooled = (states * weights).sum(dim=1) / weights.sum(dim=1)  # (B, C)
        return nn.functional.normalize(pooled, dim=1).clone()

    def to_event_encoder(self, layers: int | None) -> PreTrainedModel:
        """Turn it into an encoder of events: the first layers, no word table, positions for the largest window.

        After this the texts can no longer be read.

        Raises:
            ConfigurationError: ``layers`` is not one of its layers, or its build is not known.
        """
        _keep_layers(self.encoder, layers)
        _grow_positions(self.encoder)
        _forget_words(self.encoder)
        words = int(self.encoder.config.pad_token_id or 0) + 1  # RoBERTa's padding is word 1, and must exist
        self.encoder.set_input_embeddings(nn.Embedding(words, int(self.encoder.config.hidden_size)))
        self.encoder.config.vocab_size = words
        drop_pooler(self.encoder)
        return self.encoder

    def encoder_settings(self) -> dict[str, Any]:
        """The configuration from which ``model.network`` builds the same encoder."""
        settings: dict[str, Any] = self.encoder.config.to_diff_dict()
        for name in ("architectures", "dtype", "transformers_version", "_name_or_path"):
            settings.pop(name, None)
        return {**settings, "model_type": self.encoder.config.model_type}


def load_pretrained(folder: Path) -> Pretrained:
    """Load a BERT-family encoder and its tokenizer from a local folder; nothing is fetched from a hub.

    Raises:
        ConfigurationError: The folder holds no encoder that is whole, or of a build that is not taken. Weights must be
            safetensors.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]  # its bar for reading weights would break ours
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        _check_build(config.model_type)
        encoder, told = AutoModel.from_pretrained(
            folder,
            config=config,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            attn_implementation="sdpa",  # never one that the folder names: that may be code on a hub
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ConfigurationError:
        raise
    except Exception as exc:  # of broken files transformers and safetensors raise whatever comes
        raise ConfigurationError(
            f"transformers cannot load an encoder from {folder}: {exc}. A folder holds config.json, model.safetensors "
            "and tokenizer files; weights as pickles are never loaded."
        ) from exc
    _check_whole(folder, encoder, tokenizer, told["missing_keys"])
    return Pretrained(encoder.float(), tokenizer)


def _check_build(model_type: str) -> None:
    if model_type not in ENCODERS:
        raise ConfigurationError(
            f"the pretrained encoder is a {model_type!r}; use a BERT, RoBERTa, DistilBERT or ModernBERT encoder."
        )


def _check_whole(
    folder: Path, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, missing: Iterable[str]
) -> None:
    """What transformers lacks it makes up: weights by chance, and a tokenizer of a handful of words."""
    lacking = sorted(name for name in missing if "pooler" not in name and "position_ids" not in name)
    if lacking:
        raise ConfigurationError(
            f"{folder / 'model.safetensors'} has no weights {lacking[0]} ({len(lacking)} are missing), which its "
            "config.json promises; copy the whole folder again."
        )
    words, rows = len(tokenizer), int(encoder.config.vocab_size)
    if not rows * _LEAST_WORDS_SHARE <= words <= rows:
        raise ConfigurationError(
            f"the tokenizer in {folder} knows {words} words and the encoder {rows}; copy the whole folder again, with "
            "its tokenizer files."
        )


def _layer_list(encoder: PreTrainedModel) -> tuple[nn.Module, str]:
    owners = (("encoder", "layer"), ("transformer", "layer"), ("", "layers"))
    for owner_name, list_name in owners:
        owner = getattr(encoder, owner_name, None) if owner_name else encoder
        if owner is not None and hasattr(owner, list_name) and hasattr(encoder, "embeddings"):  # a decoder has none
            return owner, list_name
    raise ConfigurationError(
        f"the layers of a {encoder.config.model_type} cannot be found; use a BERT, RoBERTa, DistilBERT or ModernBERT "
        "encoder."
    )


def _keep_layers(encoder: PreTrainedModel, layers: int | None) -> None:
    owner, name = _layer_list(encoder)
    all_layers = cast("nn.ModuleList", getattr(owner, name))
    if layers is None:
        return
    if not 1 <= layers <= len(all_layers):
        raise ConfigurationError(f"layers is {layers}; this encoder has 1 to {len(all_layers)}.")
    setattr(owner, name, all_layers[:layers])
    field = "n_layers" if hasattr(encoder.config, "n_layers") else "num_hidden_layers"
    setattr(encoder.config, field, layers)
    if hasattr(encoder.config, "layer_types"):
        encoder.config.layer_types = encoder.config.layer_types[:layers]


def _forget_words(encoder: PreTrainedModel) -> None:
    """Let the configuration name no words: those of a ModernBERT are the last of fifty thousand."""
    if not _has_position_table(encoder):  # else where a position is may depend on which word is padding
        encoder.config.pad_token_id = 0
    for name in ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
        setattr(encoder.config, name, None)


def _has_position_table(encoder: PreTrainedModel) -> bool:
    """A ModernBERT has none: its positions are rotations, and as many as are wanted."""
    return hasattr(encoder.embeddings, "position_embeddings")


def _grow_positions(encoder: PreTrainedModel) -> None:
    """Make room for the largest window; positions that pretraining never had start as copies of its last."""
    if not _has_position_table(encoder):
        return
    embeddings = cast("nn.Module", encoder.embeddings)
    old = cast("nn.Embedding", embeddings.position_embeddings)
    offset = old.padding_idx + 1 if old.padding_idx is not None else 0  # RoBERTa counts from behind its padding
    missing = MAX_TOKENS + offset - old.num_embeddings
    if missing <= 0:
        return
    weight = torch.cat([old.weight.data, old.weight.data[-1:].expand(missing, -1)])
    embeddings.position_embeddings = nn.Embedding(
        len(weight), weight.shape[1], padding_idx=old.padding_idx, _weight=weight
    )
    encoder.config.max_position_embeddings = len(weight)
    for name in ("position_ids", "token_type_ids"):
        buffer = getattr(embeddings, name, None)
        if buffer is not None:
            ids = torch.arange(len(weight))[None] if name == "position_ids" else torch.zeros(1, len(weight)).long()
            embeddings.register_buffer(name, ids, persistent=False)
