"""Pretrains a tiny BERT on masked letters (needs transformers): python pretrain_bert_on_reads.py
READS.fastq.gz ..."""

import sys

import torch
from transformers import BertConfig, BertForMaskedLM

import deepbio_torch as db

torch.manual_seed(0)
tokenizer = db.tokenizers.Tokenizer.from_preset("deepbio-dna")
reads = db.SequenceDataset(
    sys.argv[1:], transform=db.transforms.TokenEncoder(tokenizer, max_length=128)
)
loader = db.DataLoader(reads, batch_size=32, shuffle=True, seed=0, num_workers=1)
config = BertConfig(
    vocab_size=len(tokenizer),
    pad_token_id=tokenizer.pad_token_id,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
)
model = BertForMaskedLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(3):
    total = 0.0
    for batch in loader:
        hidden = (torch.rand(batch.input_ids.shape) < 0.15) & (batch.input_ids >= 5)
        labels = batch.input_ids.masked_fill(~hidden, -100)  # -100: not asked for
        masked = batch.input_ids.masked_fill(hidden, tokenizer.mask_token_id)
        loss = model(input_ids=masked, attention_mask=batch.attention_mask, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: loss {total / len(loader):.3f}")
