"""Predictions of a trained run for the samples of a table: predict_phenotype.py RUN TABLE."""

import sys

import deepbio_torch as db

run, table = sys.argv[1:3]
predictions = db.predict(run, table)
for row, name in enumerate(predictions.sample_ids):
    answer = predictions.labels[row] if predictions.labels else f"{predictions.values[row, 0]:.9g}"
    print(f"{name}\t{answer}")
if predictions.left_out:
    print(f"{len(predictions.left_out)} samples have too few reads", file=sys.stderr)
