"""Predictions of a trained run on a table: RUN TABLE."""

import sys

import deepbio_torch as db

run, table = sys.argv[1:3]
predictions = db.predict(run, table)
for name, value in zip(predictions.sample_ids, predictions.values[:, 0].tolist(), strict=True):
    print(f"{name}\t{value:.9g}")
