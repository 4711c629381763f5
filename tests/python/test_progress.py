"""`progress=True` shows a bar of tqdm, a callable is told.

A file that is missing is refused where it is given.
"""

import errno
import os
import sys

import pytest

import deepbio_torch as db
from deepbio_torch.errors import MissingFileError

WORKS = {
    "validate": lambda data, folder, progress: data.validate(progress=progress),
    "cache": lambda data, folder, progress: db.Cache.save(
        data, folder / "cache", progress=progress
    ),
    "export": lambda data, folder, progress: db.cache.export_reads(
        data, folder / "reads.npz", progress=progress
    ),
}


@pytest.mark.parametrize("work", WORKS)
def test_a_long_work_says_how_far_it_is(work, fastq, tmp_path, monkeypatch, capsys):
    data = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    told = []
    WORKS[work](data, tmp_path, lambda done, total: told.append((done, total)))
    assert told and told[-1] == (520, 520) and told == sorted(told)
    WORKS[work](data, tmp_path, None)
    WORKS[work](data, tmp_path, False)
    assert capsys.readouterr().err == ""
    with pytest.raises(TypeError, match="progress: expected True, None or a callable, got 'yes'"):
        WORKS[work](data, tmp_path, "yes")
    pytest.importorskip("tqdm", reason="tqdm is not installed: no bar to look at")
    WORKS[work](data, tmp_path, True)
    assert "520/520" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    WORKS[work](data, tmp_path, True)  # goes on without a bar
    assert capsys.readouterr().err == ""


def test_a_loader_says_how_far_its_epoch_is(fastq, community_dir, capsys):
    data = db.SequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    told = []
    loader = db.DataLoader(data, 100, progress=lambda *now: told.append(now))
    assert len(list(loader)) == 6 and told == [(i, 6) for i in range(1, 7)]
    state = next(iter([loader.state_dict() for _ in loader][2:]))
    loader.load_state_dict(state)
    told.clear()
    assert len(list(loader)) == 3 and told == [(4, 6), (5, 6), (6, 6)]  # goes on where it was
    samples = db.SampleDataset(community_dir / "table.biom", max_bp=60)
    told.clear()
    list(db.DataLoader(samples, 8, progress=lambda *now: told.append(now)))
    assert told[-1][0] == told[-1][1] == len(told) > 1
    told.clear()
    stream = db.StreamingSequenceDataset(fastq, transform=db.transforms.OneHotEncoder())
    list(db.DataLoader(stream, 100, progress=lambda *now: told.append(now)))
    assert told == [(i, 0) for i in range(1, 7)]  # in all is not known
    with pytest.raises(TypeError, match="progress: expected True, None or a callable, got 3"):
        db.DataLoader(data, progress=3)
    pytest.importorskip("tqdm", reason="tqdm is not installed: no bar to look at")
    for _ in db.DataLoader(data, 100, progress=True):
        break  # the bar ends with the loop
    list(db.DataLoader(data, 100, progress=True))
    assert "epoch 0" in (shown := capsys.readouterr().err) and "6/6" in shown


MAKERS = {
    "SequenceDataset": db.SequenceDataset,
    "mates": lambda path: db.SequenceDataset(__file__, mates=path),
    "StreamingSequenceDataset": db.StreamingSequenceDataset,
    "stream of mates": lambda path: db.StreamingSequenceDataset(__file__, mates=path),
    "SequenceReader": db.SequenceReader,
    "FastaFile": db.FastaFile,
    "SampleDataset": db.SampleDataset,
    "read_table": db.read_table,
    "read_tree": db.read_tree,
    "read_metadata": db.read_metadata,
    "Tokenizer": db.tokenizers.Tokenizer.from_file,
    "from_file": db.targets.from_file,
    "from_pretrained": db.models.from_pretrained,
    "load_aam": db.models.load_aam,
    "DistanceMatrix": db.DistanceMatrix.read,
    "report": db.report.write_report,
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_missing_file_is_refused_where_it_is_given(maker, tmp_path):
    path = str(tmp_path / "nosuch")
    with pytest.raises(FileNotFoundError) as caught:
        MAKERS[maker](path)
    error = caught.value
    assert isinstance(error, MissingFileError) and "\n" not in str(error)
    assert (error.errno, error.filename, error.strerror) == (
        errno.ENOENT,
        path,
        os.strerror(errno.ENOENT),
    )


@pytest.mark.parametrize(
    "maker", ["SequenceDataset", "mates", "StreamingSequenceDataset", "SequenceReader"]
)
def test_a_folder_and_a_file_that_may_not_be_read_are_refused_too(maker, tmp_path):
    with pytest.raises(IsADirectoryError) as caught:
        MAKERS[maker](str(tmp_path))
    assert caught.value.errno == errno.EISDIR and caught.value.filename == str(tmp_path)
    if os.geteuid() == 0:
        return  # root may read everything
    path = tmp_path / "closed.fq"
    path.write_text("@a\nA\n+\nI\n")
    path.chmod(0)
    with pytest.raises(PermissionError):
        MAKERS[maker](str(path))


def test_a_pipe_is_not_opened_before_it_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "1 files" in repr(db.SequenceDataset(tmp_path / "pipe"))
