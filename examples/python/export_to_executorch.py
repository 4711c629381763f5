"""A program of ExecuTorch from an exported run, for phones and boards: export_to_executorch.py
MODEL.pt2 MODEL.pte.

MODEL.pt2 is that of `deepbio export --format pt2`; this library is not needed, `pip install
executorch` is.
"""

import json
import sys

import torch
from executorch.exir import to_edge
from executorch.runtime import Runtime

MOST_SAMPLES = 8  # memory is planned for the largest batch
files = {"deepbio.json": ""}
module = torch.export.load(sys.argv[1], extra_files=files).module()
config = json.loads(files["deepbio.json"])["model"]


def inputs(samples: int, asvs: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randint(1, 5, (samples, asvs, length))
    tokens[:, :, 0] = 5  # START
    return tokens, torch.randint(1, 90, (samples, asvs)).float()


sizes = {"B": MOST_SAMPLES, "S": config["token_limit"], "L": config["max_bp"] + 1}
batch, slots, length = (torch.export.Dim(name, min=1, max=most) for name, most in sizes.items())
shapes = ({0: batch, 1: slots, 2: length}, {0: batch, 1: slots})
with torch.no_grad():
    program = torch.export.export(
        module, inputs(3, 4, 9), dynamic_shapes=shapes
    ).run_decompositions()
    with open(sys.argv[2], "wb") as file:
        file.write(to_edge(program).to_executorch().buffer)
    method = Runtime.get().load_program(sys.argv[2]).load_method("forward")
    for shape in ((1, 1, 2), (3, 5, 20), (5, 2, 7), tuple(sizes.values())):
        given = inputs(*shape)
        difference = (method.execute(given)[0] - module(*given)).abs().max().item()
        print(*shape, f"{difference:.2g}")
