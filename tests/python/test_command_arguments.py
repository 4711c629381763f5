"""Numbers that are typed to the commands that run in Python."""

import pytest

from deepbio_torch.__main__ import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("study --seed -1", "--seed: expected a whole number from 0 to 4294967295, got '-1'"),
        ("study --threads -3", "--threads: expected a whole number from 0 to 1024, got '-3'"),
        ("rarefaction-curve --seed many", "--seed: expected a whole number from 0 to"),
        ("export --format pt2 --threads 2000", "--threads: expected a whole number from 0 to"),
    ],
)
def test_commands_of_the_package_refuse_such_numbers_as_bad_usage(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["deepbio", *words.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and said in told and told.count("\n") == 1
