"""Starting from a pretrained encoder in a folder."""

import json
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    DistilBertConfig,
    DistilBertModel,
    LlamaConfig,
    LlamaModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
    RobertaConfig,
)
from transformers import RobertaModel as Roberta

from model.artefact import Artefact
from model.errors import ConfigurationError
from model.network import MAX_TOKENS, MaskedEventBert, NetworkConfig
from model.scoring import Scorer
from tests.toy_model import toy_request, toy_window
from training.pretrained import load_pretrained
from training.train import train

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "seat", "taken", "by", "request", "film", "started", "door"]
BERT = BertConfig(vocab_size=12, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT with a tokenizer of twelve words."""
    torch.manual_seed(0)
    return _saved(tmp_path / "tiny-bert", BertModel(BERT))


def _saved(folder: Path, encoder: PreTrainedModel) -> Path:
    encoder.save_pretrained(folder)
    vocabulary = folder.parent / "vocab.txt"
    vocabulary.write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(vocabulary)).save_pretrained(folder)
    return folder


def test_like_texts_are_read_alike(folder: Path) -> None:
    """A wildcard is no word: a template with and without one has the same reading, of length 1."""
    readings = load_pretrained(folder).read_texts(["seat taken by <*>", "seat taken by", "film started"])

    assert torch.allclose(readings.norm(dim=1), torch.ones(3))
    assert torch.allclose(readings[0], readings[1], atol=1e-6)
    assert not torch.allclose(readings[0], readings[2], atol=1e-2)


@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param(BertModel(BERT), id="bert"),
        pytest.param(
            DistilBertModel(DistilBertConfig(vocab_size=12, dim=16, n_layers=3, n_heads=2, hidden_dim=32)),
            id="distilbert",
        ),
        pytest.param(
            Roberta(
                RobertaConfig(
                    vocab_size=12, hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32
                )
            ),
            id="roberta",
        ),
        pytest.param(
            ModernBertModel(
                ModernBertConfig(
                    vocab_size=12,
                    hidden_size=16,
                    num_hidden_layers=3,
                    num_attention_heads=2,
                    intermediate_size=32,
                    local_attention=16,
                    pad_token_id=11,
                    bos_token_id=11,
                    eos_token_id=11,
                    cls_token_id=11,
                    sep_token_id=11,
                )
            ),
            id="modernbert",
        ),
    ],
)
def test_an_event_encoder_can_be_built_again(encoder: PreTrainedModel, tmp_path: Path) -> None:
    """Two of three layers are kept, the largest window fits, and configuration plus weights give the same answers."""
    pretrained = load_pretrained(_saved(tmp_path / "tiny", encoder))
    assert pretrained.read_texts(["seat taken", "film"]).norm(dim=1).tolist() == pytest.approx([1.0, 1.0])
    cut = pretrained.to_event_encoder(layers=2)
    config = NetworkConfig(9, pretrained.encoder_settings())
    first = MaskedEventBert(config, cut).eval()
    second = MaskedEventBert(NetworkConfig.from_json(config.to_json())).eval()
    second.load_state_dict(first.state_dict())
    tokens = torch.full((1, MAX_TOKENS), 6)
    tokens[0, 3] = 3

    assert torch.equal(first(tokens, tokens == 3), second(tokens, tokens == 3))
    assert not [name for name in first.state_dict() if "layer.2." in name or "layers.2." in name]
    words = [value for name, value in first.state_dict().items() if "word_embeddings" in name or "tok_embed" in name]
    assert [len(table) <= 2 for table in words] == [True]


def test_a_transferred_model_is_trained_and_saved(folder: Path, tmp_path: Path) -> None:
    """The preset reads the templates' texts, and the artefact needs the folder no more."""
    request = toy_request(
        tmp_path, preset="transfer", pretrained=folder, layers=1, epochs=20, output=tmp_path / "model"
    )
    window = toy_window("open", "check", "film")
    scores = Scorer(train(request)).score([window])
    for path in folder.iterdir():
        path.unlink()

    assert Scorer(Artefact.load(tmp_path / "model")).score([window]) == pytest.approx(scores, abs=1e-4)
    assert Artefact.load(tmp_path / "model").network_config.text_size == 16


@pytest.mark.parametrize("layers", [0, 4])
def test_layers_that_it_does_not_have_are_refused(folder: Path, layers: int) -> None:
    """The error says how many there are."""
    with pytest.raises(ConfigurationError, match="1 to 3"):
        load_pretrained(folder).to_event_encoder(layers)


def test_a_decoder_is_refused(tmp_path: Path) -> None:
    """It has layers, but cannot see what comes later; the error says what can be used."""
    decoder = LlamaModel(
        LlamaConfig(vocab_size=12, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    )
    with pytest.raises(ConfigurationError, match="use a BERT"):
        load_pretrained(_saved(tmp_path / "tiny", decoder))


def test_a_folder_without_an_encoder_is_refused(tmp_path: Path) -> None:
    """The error says what a folder holds."""
    with pytest.raises(ConfigurationError, match=r"cannot load .* holds config\.json"):
        load_pretrained(tmp_path)


def test_weights_as_a_pickle_are_not_loaded(folder: Path) -> None:
    """Not even where there is nothing else."""
    torch.save(BertModel(BERT).state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()

    with pytest.raises(ConfigurationError, match="never loaded"):
        load_pretrained(folder)


def _configure(folder: Path, **changes: object) -> None:
    """Change a pretrained encoder's configuration."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_encoder_without_its_tokenizer_is_refused(folder: Path) -> None:
    """Transformers would make one up of five words, to which all texts are alike."""
    for path in folder.iterdir():
        if path.name.startswith(("tokenizer", "vocab")):
            path.unlink()

    with pytest.raises(ConfigurationError, match="tokenizer"):
        load_pretrained(folder)


def test_layers_without_weights_are_refused(folder: Path) -> None:
    """They would be what chance makes them."""
    _configure(folder, num_hidden_layers=5)

    with pytest.raises(ConfigurationError, match=r"no weights .*layer\.3"):
        load_pretrained(folder)


@pytest.mark.parametrize("name", ["_attn_implementation", "attn_implementation"])
def test_an_attention_that_the_folder_names_is_not_fetched(folder: Path, name: str) -> None:
    """It may be the name of a repository whose kernels would be run: torch's own is taken."""
    _configure(folder, **{name: "somebody/kernels"})

    assert load_pretrained(folder).encoder.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("changes", [{"hidden_size": "x"}, {"hidden_size": 32}, {"num_attention_heads": 0}])
def test_a_configuration_that_does_not_fit_the_weights_is_refused(folder: Path, changes: dict[str, object]) -> None:
    """With what a folder holds."""
    _configure(folder, **changes)

    with pytest.raises(ConfigurationError, match="cannot load"):
        load_pretrained(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    """With what a folder holds."""
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])

    with pytest.raises(ConfigurationError, match="cannot load"):
        load_pretrained(folder)
