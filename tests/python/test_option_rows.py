"""The rows of options in the sources of C++: one for each option, data alone."""

import re
from pathlib import Path

from deepbio_torch._options import rows

ROOT = Path(__file__).parents[2]
KINDS = ("model", "training", "loss", "study", "encoder")


def test_every_option_has_one_row_and_no_flag_beside_it():
    sources = {path: path.read_text() for path in (ROOT / "csrc").rglob("*.cpp")}
    # Of every command, and of those of tables, which have no study: not the trainer's options.
    own = {
        ("command_line.cpp", "seed"),
        ("cmd_unifrac.cpp", "rarefy_depth"),
        ("community_input.cpp", "missing_features"),
    }
    own |= {("cmd_tests.cpp", "missing_values")}
    # checkpoint.cpp keeps in a run how it reads its table; predictor.cpp has its own batches.
    other = {
        ("checkpoint.cpp", "max_bp"),
        ("checkpoint.cpp", "token_limit"),
        ("predictor.cpp", "batch_size"),
    }
    other |= {("checkpoint.cpp", row.name) for row in rows("study")}
    generated = ("_num_layers", "_num_heads", "_intermediate_size", "_dropout")  # of every stack
    for kind in KINDS:
        for row in rows(kind):
            declared = [
                path.name
                for path, text in sources.items()
                if re.search(rf'\{{\s*"{row.name}",\s*&', text)
            ]
            places = [name for name in declared if (name, row.name) not in other]
            assert len(places) == 1 or (
                not places and (row.sets or row.name.endswith(generated))
            ), (row.name, places)
            flag = f'"--{row.name.replace("_", "-")}'
            by_hand = {
                path.name for path, text in sources.items() if re.search(rf"\({flag}[\",]", text)
            }
            assert all((name, row.name) in own for name in by_hand), (row.name, by_hand)


def test_rows_are_data_without_a_function_for_each():
    bodies = [
        body
        for path in (ROOT / "csrc/deepbio").rglob("*.cpp")
        for body in re.findall(
            r"^OptionRows \w+::rows\(\) \{\n(.*?)^\}", path.read_text(), re.DOTALL | re.MULTILINE
        )
    ]
    assert len(bodies) >= 6 and not [
        body for body in bodies if re.search(r"\[[&=\w]*\]\s*\(", body)
    ]
