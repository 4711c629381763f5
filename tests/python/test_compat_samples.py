"""Lines as users of DeepBioP and AAM have them in their scripts: each runs with
`deepbio_torch.compat` as it stands.

They follow the signatures and keywords that those libraries document; a line that needs a name or
keyword which is not here would fail. What each gives is compared with this package's own answer
where there is a value to compare.
"""

import pytest
import torch

import deepbio_torch as db
from deepbio_torch import compat
from deepbio_torch.errors import ArgumentError

ids = torch.tensor([[5, 6, 0]])
LINES = {  # the line: what it must give, in words of this package; True: any value
    # DeepBioP: datasets and loaders
    'Dataset(fastq, sequence_type="dna", transform=None, cache_dir=None, '
    'lazy=True)[0]["id"]': "'r0'",
    'len(Dataset([fastq], transform=OneHotEncoder(encoding_type="dna", '
    'unknown_strategy="skip")))': "520",
    'Dataset(fastq).summary()["num_samples"]': "520",
    'Dataset(fastq).validate()["is_valid"]': "True",
    "next(iter(DataLoader(Dataset(fastq, transform=OneHotEncoder()), batch_size=32, shuffle=True, "
    "num_workers=0, "
    'collate_fn=default_collate_fn, drop_last=False, seed=42, '
    'pin_memory=False)))["sequences"].shape[0]': "32",
    "sum(1 for _ in StreamingFastqDataset(fastq, shuffle_buffer_size=10))": "520",
    'FastqDataset(fastq)[3]["sequence"]': "db.SequenceDataset(fastq)[3]['sequence']",
    # encoders
    'OneHotEncoder("dna", "mask", '
    'seed=42).encode(b"ACN")': "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]",
    'OneHotEncoder(encoding_type="dna", ambiguous_strategy="random", '
    'seed=1).encode(b"N").sum()': "1",
    'IntegerEncoder(encoding_type="rna").encode_batch([b"ACGU", '
    'b"A"])': "[[0, 1, 2, 3], [0, -1, -1, -1]]",
    'KmerEncoder(k=3, canonical=False, encoding_type="dna").encode(b"AAAC")[:2]': "[1, 1]",
    'KmerEncoder(5, True, "dna").encode(b"ACGTACGT").shape[0]': "1024",
    # augmentations
    "Compose([Sampler(length=10, strategy='start'), Mutator(mutation_rate=0.0, seed=42), "
    "OneHotEncoder('dna')])"
    "({'sequence': b'ACGT' * 20, 'quality': b'I' * 80})['sequence'].shape": "(10, 4)",
    'ReverseComplement()({"sequence": b"AACC", "quality": b"1234"})["quality"]': "b'4321'",
    'ReverseComplement.for_rna().apply(b"AACC")': "b'GGUU'",
    'ReverseComplement(is_rna=True).apply_batch([b"AU"])': "[b'AU']",
    'Mutator(mutation_rate=1.0, seed=None).apply(b"AAAA").count(b"A")': "0",
    'Mutator(0.5, seed=3, is_rna=True).apply_batch([b"ACGU" * 9])[0].count(b"T")': "0",
    'Sampler(4, "center", seed=1).apply(b"ACGTACGT")': "b'GTAC'",
    'len(QualitySimulator(QualityModel.high_quality(), seed=1).generate(10))': "10",
    "max(QualitySimulator(QualityModel.uniform(2, 5), seed=1).generate(50)) - 33": "5",
    # filters
    'LengthFilter.min_only(5).passes(b"ACGT")': "False",
    'LengthFilter(min_length=2, max_length=9).passes(b"ACGT")': "True",
    'QualityFilter.mean_quality(20.0).passes(b"ACGT", b"IIII")': "True",
    # collates, masks, language models
    'pad_collate_fn(padding_value=0.0, pad_to=150)([{"sequence": torch.ones(3, '
    '4)}])["sequences"].shape': "(1, 150, 4)",
    'truncate_collate_fn(max_length=2)([{"sequence": torch.ones(3, '
    '4)}])["sequences"].shape': "(1, 2, 4)",
    'default_collate([{"sequence": torch.ones(3, 4)}, {"sequence": torch.ones(5, '
    '4)}])["lengths"]': "[3, 5]",
    'TransformerEncoder("dna", add_special_tokens=True).encode_batch([b"ACGT", b"AC"], '
    'add_cls=True, add_sep=True)[1]'
    ".sum(1)": "[6, 4]",
    'create_attention_mask(IntegerEncoder("dna").encode_batch([b"ACGT", b"AC"])).sum()': "6",
    "create_padding_mask([4, 2], max_length=5).sum(1)": "[4, 2]",
    "add_special_tokens(ids)": "[[1, 5, 6, 2, 0]]",
    # targets and caches
    'Dataset(fastq, target=TargetExtractor.from_header(key="class")).classes': "['x', 'y', 'z']",
    'Dataset(fastq, target=create_classification_extractor(["z", "y", "x"], '
    'key="class")).labels[:3]': "[2, 1, 0]",
    'Dataset(fastq, target=TargetExtractor.from_quality(stat="mean")).labels.shape': "(520,)",
    'Dataset(fastq, '
    'target=get_builtin_extractor("gc_content")).labels': "db.SequenceDataset(fastq, "
    "target=db.targets.from_sequence()).labels",
    'len(Cache.load(Cache.save(Dataset(fastq, transform=KmerEncoder(k=2)), '
    'str(folder / "cache"))))': "520",
    # AAM
    "BIOMLoader().load_table(table).shape": "db.read_table(table).shape",
    "BIOMLoader().rarefy(db.read_table(table), depth=99, with_replacement=True, "
    "random_seed=4).totals()": "[99] * 24",
    "BIOMLoader().get_sequences(db.read_table(table))": "db.read_table(table).feature_ids",
    "UniFracComputer().compute_unweighted(db.read_table(table), "
    "tree).values": "db.unifrac(table, tree).values",
    "list(UniFracComputer().compute_faith_pd(db.read_table(table), "
    "tree).values)": "db.faith_pd(table, tree)",
    'UniFracComputer().extract_batch_distances(db.unifrac(table, tree), '
    'db.read_table(table).sample_ids[:4], '
    'metric="unweighted")': "db.unifrac(table, tree).values[:4, :4].float()",
    'UniFracComputer().extract_batch_distances({"a": 1.0, "b": 2.0}, ["b"], '
    'metric="faith_pd")': "[[2.0]]",
    "SequenceTokenizer().tokenize('ACGT')": "[5, 1, 2, 3, 4]",
    "SequenceTokenizer().pad_sequences([torch.tensor([5, 1])], 4)": "[[5, 1, 0, 0]]",
    'ASVDataset(table=db.read_table(table), metadata=metadata, target_column="age", max_bp=150, '
    'token_limit=64)'
    ".batch([0]).targets": "db.SampleDataset(table, metadata=metadata, target='age', "
    "target_transform='none').batch([0]).targets",
    "SequenceRegressor(vocab_size=7, embedding_dim=16, max_bp=60, "
    "token_limit=32).config.embedding_dim": "16",
}  # fmt: skip


def plain(value: object) -> object:
    """A value without its type of tensor or array."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return tuple(value) if isinstance(value, torch.Size) else value


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_the_other_library_gives_what_this_one_gives(
    line, fastq, community_dir, tmp_path
):
    names = {name: getattr(compat, name) for name in compat.__all__}
    files = {name: community_dir / file for name, file in
             {"table": "table.biom", "tree": "tree.nwk",
              "metadata": "metadata.tsv"}.items()}  # fmt: skip
    scope = {"torch": torch, "db": db, "ids": ids, "fastq": fastq, "folder": tmp_path, **files}
    got = plain(eval(line, {**scope, **names}))
    expected = plain(eval(LINES[line], dict(scope)))
    assert got == expected


def test_there_are_lines_for_every_name_and_as_many_as_the_two_libraries_show():
    text = "\n".join(LINES)
    unused = [name for name in compat.__all__ if name not in text]
    assert len(LINES) >= 35
    assert unused == [
        "Batch",
        "Deduplicator",
        "FastaDataset",
        "FastaStreamDataset",
        "FastqStreamDataset",
        "Subsampler",
    ]


def test_what_has_no_counterpart_is_refused_in_one_line():
    for wrong, message in (
        (lambda: compat.QualityFilter(quality_offset=64), "expected 33, got 64"),
        (lambda: compat.QualitySimulator("high"), "expected a QualityModel"),
        (lambda: compat.TargetExtractor(3), "expected a function"),
        (
            lambda: compat.UniFracComputer().extract_batch_distances({}, [], metric="euclid"),
            "metric: expected",
        ),
        (
            lambda: compat.UniFracComputer().extract_batch_distances({}, [], metric="weighted"),
            "got dict",
        ),
        (
            lambda: compat.UniFracComputer().extract_batch_distances({}, ["a"], metric="faith_pd"),
            "1 ids are not",
        ),
        (lambda: compat.ASVDataset("t.biom", unifrac_metric="stripe"), "unifrac_metric"),
    ):
        with pytest.raises(ArgumentError, match=message):
            wrong()


def test_aams_flags_are_understood_by_the_command(deepbio, tmp_path):
    refused = deepbio("train", "--unifrac-matrix", tmp_path / "none.npy",
                      "--pretrained-encoder", tmp_path / "run", "--table", tmp_path / "none.biom",
                      "--metadata", "m", "--metadata-column", "c",
                      "--output-dir", tmp_path / "out")  # fmt: skip
    assert refused.returncode == 1 and "unknown option" not in refused.stderr
