// A slice through all layers, forward and backward. Included by encoder_kernels.cpp last, once per
// instruction set.

// The mask of one sequence as numbers; returns the number of keys up to the last real one.
DEEPBIO_INLINE int64_t read_mask(const StackShape& s, const uint8_t* key_mask, int64_t sequence,
                                 float* key_real) {
  int64_t keys = 0;
  for (int64_t j = 0; j < round_up(s.length, kPanel); ++j) {
    const bool real = j < s.length && (!key_mask || key_mask[sequence * s.length + j]);
    key_real[j] = real ? 1.f : 0.f;
    // Keys after the last real one are not even multiplied.
    if (real) keys = j + 1;
  }
  return keys;
}

DEEPBIO_INLINE Head head_of(const StackShape& s, const SliceInput& slice, int64_t layer,
                            int64_t sequence, int64_t head, int64_t keys, const float* key_real) {
  return {.rows = slice.start(s, sequence + 1) - slice.start(s, sequence),
          .panel = slice.num_rows(s) * kPanel,
          .depth = s.padded_head(),
          .keys = keys,
          .key_real = key_real,
          .scale = 1 / std::sqrt(static_cast<float>(s.head_dim())),
          // By sequence and head of the whole batch, whatever slice it is in: masks do not depend
          // on slices.
          .first_row = (sequence * s.heads + head) * s.length,
          .dropout = dropout_of(s, layer, Site::kAttention, 0)};
}

// Floats from the start of a matrix of heads to a row of the slice in the columns of a head.
DEEPBIO_INLINE int64_t place_of(const StackShape& s, int64_t rows, int64_t row, int64_t head) {
  const int64_t column = head * s.padded_head();
  return column / kPanel * rows * kPanel + row * kPanel + column % kPanel;
}

DEEPBIO_CALL void attention_forward(const StackShape& s, const SliceInput& slice, int64_t layer,
                                    const SavedLayer& saved, const Scratch& scratch) {
  const int64_t rows = slice.num_rows(s), part = s.head_panels() * rows * kPanel;
  const int64_t block = Scratch::query_block(s);
  for (int64_t sequence = slice.first; sequence < slice.first + slice.count; ++sequence) {
    const int64_t keys = read_mask(s, slice.key_mask, sequence, scratch.key_real);
    const int64_t first = slice.start(s, sequence) - slice.start(s, slice.first);
    for (int64_t head = 0; head < s.heads; ++head) {
      const int64_t at = place_of(s, rows, first, head);
      attend(head_of(s, slice, layer, sequence, head, keys, scratch.key_real), saved.qkv + at,
             saved.qkv + part + at, saved.qkv + 2 * part + at, scratch, block, saved.attended + at,
             saved.log_sums + head * rows + first);
    }
  }
}

DEEPBIO_CALL void attention_backward(const StackShape& s, const SliceInput& slice, int64_t layer,
                                     const SavedLayer& saved, const Scratch& scratch) {
  const int64_t rows = slice.num_rows(s), part = s.head_panels() * rows * kPanel;
  const int64_t block = Scratch::query_block(s);
  for (int64_t sequence = slice.first; sequence < slice.first + slice.count; ++sequence) {
    const int64_t keys = read_mask(s, slice.key_mask, sequence, scratch.key_real);
    const int64_t first = slice.start(s, sequence) - slice.start(s, slice.first);
    for (int64_t head = 0; head < s.heads; ++head) {
      const int64_t at = place_of(s, rows, first, head);
      const HeadBackward tensors{
          saved.qkv + at,        saved.qkv + part + at,        saved.qkv + 2 * part + at,
          saved.attended + at,   scratch.grad_attended + at,   saved.log_sums + head * rows + first,
          scratch.grad_qkv + at, scratch.grad_qkv + part + at, scratch.grad_qkv + 2 * part + at};
      attend_backward(head_of(s, slice, layer, sequence, head, keys, scratch.key_real), tensors,
                      scratch, block);
    }
  }
}

// Columns of the matrices of heads that belong to no head (an odd number of half panels) hold
// zeros.
DEEPBIO_INLINE void clear_unused(const StackShape& s, int64_t rows, float* x) {
  const int64_t used = s.heads * s.padded_head();
  if (used % kPanel == 0) return;
  float* last = x + used / kPanel * rows * kPanel;
  for (int64_t r = 0; r < rows; ++r)
    std::memset(last + r * kPanel + used % kPanel, 0, kHalfPanel * sizeof(float));
}

template <int kActivation>
DEEPBIO_CALL void layer_forward(const StackShape& s, const SliceInput& slice, int64_t layer,
                                const LayerPanels& w, const SavedLayer& saved,
                                const Scratch& scratch, float* next) {
  const int64_t rows = slice.num_rows(s), panel = rows * kPanel,
                first = slice.start(s, slice.first);
  const int64_t dim = s.dim_panels(), heads = s.head_panels(), width = s.width_panels();
  norm_rows(saved.x, s.dim, rows, w.norm1_weight, w.norm1_bias, saved.mean1, saved.inverse1, true,
            scratch.normed);
  product({scratch.normed, panel}, rows, w.in_proj, dim * kPanel, 3 * heads, {saved.qkv, panel},
          {w.in_proj_bias, 0, kPanel}, NoEpilogue());
  clear_unused(s, rows, saved.attended);
  // What pads a row's numbers, so that all that is saved is defined.
  std::memset(saved.log_sums + s.heads * rows, 0,
              rows * (round_up(4 + s.heads, kAlign) - 4 - s.heads) * sizeof(float));
  attention_forward(s, slice, layer, saved, scratch);
  product({saved.attended, panel}, rows, w.out_proj, heads * kPanel, dim, {saved.y, panel},
          {w.out_proj_bias, 0, kPanel},
          DropAndAdd{dropout_of(s, layer, Site::kAfterAttention, first), saved.x, panel});
  norm_rows(saved.y, s.dim, rows, w.norm2_weight, w.norm2_bias, saved.mean2, saved.inverse2, true,
            scratch.normed);
  product({scratch.normed, panel}, rows, w.linear1, dim * kPanel, width, {saved.hidden, panel},
          {w.linear1_bias, 0, kPanel},
          Activate<kActivation>{dropout_of(s, layer, Site::kHidden, first), scratch.hidden, panel});
  product({scratch.hidden, panel}, rows, w.linear2, width * kPanel, dim, {next, panel},
          {w.linear2_bias, 0, kPanel},
          DropAndAdd{dropout_of(s, layer, Site::kAfterHidden, first), saved.y, panel});
}

// scratch.grad: gradient of the layer's output, becomes that of its input.
template <int kActivation>
DEEPBIO_CALL void layer_backward(const StackShape& s, const SliceInput& slice, int64_t layer,
                                 const LayerPanels& w, const SavedLayer& saved,
                                 const Scratch& scratch, const LayerPanels* sums) {
  const int64_t rows = slice.num_rows(s), panel = rows * kPanel,
                first = slice.start(s, slice.first);
  const int64_t dim = s.dim_panels(), heads = s.head_panels(), width = s.width_panels();
  // Feed-forward half.
  const float* arriving = scratch.grad;
  if (s.dropout > 0) {
    drop_panels(dropout_of(s, layer, Site::kAfterHidden, first), scratch.grad, dim, rows,
                scratch.dropped);
    arriving = scratch.dropped;
  }
  // Its end also computes drop(act(u)) again from u, for the gradient of linear2's weights: cheaper
  // than keeping F more numbers for each position.
  product({arriving, panel}, rows, w.linear2, dim * kPanel, width, {scratch.grad_hidden, panel}, {},
          ActivateBackward<kActivation>{dropout_of(s, layer, Site::kHidden, first), saved.hidden,
                                        scratch.hidden, panel});
  norm_rows(saved.y, s.dim, rows, w.norm2_weight, w.norm2_bias, saved.mean2, saved.inverse2, false,
            scratch.normed);
  // Gradients of weights are products over the rows of the slice, added to those of its group.
  if (sums) {
    outer_product({arriving, panel}, dim, {scratch.hidden, panel}, width, rows, sums->linear2);
    add_columns({arriving, panel}, dim, rows, sums->linear2_bias);
    outer_product({scratch.grad_hidden, panel}, width, {scratch.normed, panel}, dim, rows,
                  sums->linear1);
    add_columns({scratch.grad_hidden, panel}, width, rows, sums->linear1_bias);
  }
  product({scratch.grad_hidden, panel}, rows, w.linear1, width * kPanel, dim,
          {scratch.grad_normed, panel}, {}, NoEpilogue());
  norm_backward(scratch.grad_normed, saved.y, s.dim, rows, w.norm2_weight, saved.mean2,
                saved.inverse2, sums ? sums->norm2_weight : nullptr,
                sums ? sums->norm2_bias : nullptr, scratch.grad);
  // Attention half.
  arriving = scratch.grad;
  if (s.dropout > 0) {
    drop_panels(dropout_of(s, layer, Site::kAfterAttention, first), scratch.grad, dim, rows,
                scratch.dropped);
    arriving = scratch.dropped;
  }
  product({arriving, panel}, rows, w.out_proj, dim * kPanel, heads, {scratch.grad_attended, panel},
          {}, NoEpilogue());
  for (int64_t part = 0; part < 3; ++part)
    clear_unused(s, rows, scratch.grad_qkv + part * heads * panel);
  attention_backward(s, slice, layer, saved, scratch);
  norm_rows(saved.x, s.dim, rows, w.norm1_weight, w.norm1_bias, saved.mean1, saved.inverse1, false,
            scratch.normed);
  if (sums) {
    outer_product({arriving, panel}, dim, {saved.attended, panel}, heads, rows, sums->out_proj);
    add_columns({arriving, panel}, dim, rows, sums->out_proj_bias);
    outer_product({scratch.grad_qkv, panel}, 3 * heads, {scratch.normed, panel}, dim, rows,
                  sums->in_proj);
    add_columns({scratch.grad_qkv, panel}, 3 * heads, rows, sums->in_proj_bias);
  }
  product({scratch.grad_qkv, panel}, rows, w.in_proj, 3 * heads * kPanel, dim,
          {scratch.grad_normed, panel}, {}, NoEpilogue());
  norm_backward(scratch.grad_normed, saved.x, s.dim, rows, w.norm1_weight, saved.mean1,
                saved.inverse1, sums ? sums->norm1_weight : nullptr,
                sums ? sums->norm1_bias : nullptr, scratch.grad);
}

// The rows of a slice from x [R, T, D] to panels, and back.
DEEPBIO_INLINE void read_slice(const StackShape& s, const SliceInput& slice, const float* x,
                               float* out) {
  for (int64_t sequence = slice.first; sequence < slice.first + slice.count; ++sequence) {
    const int64_t start = slice.start(s, sequence), rows = slice.start(s, sequence + 1) - start;
    to_panels(x + sequence * s.length * s.dim, s.dim, rows, slice.num_rows(s) * kPanel,
              out + (start - slice.start(s, slice.first)) * kPanel);
  }
}
DEEPBIO_INLINE void write_slice(const StackShape& s, const SliceInput& slice, const float* x,
                                float* out) {
  for (int64_t sequence = slice.first; sequence < slice.first + slice.count; ++sequence) {
    const int64_t start = slice.start(s, sequence), rows = slice.start(s, sequence + 1) - start;
    from_panels(x + (start - slice.start(s, slice.first)) * kPanel, s.dim, rows,
                slice.num_rows(s) * kPanel, out + sequence * s.length * s.dim);
  }
}

template <int kActivation>
DEEPBIO_INLINE void slice_forward(const StackShape& s, const SliceInput& slice, const float* x,
                                  float* turned, float* out) {
  const Scratch scratch(s, false, slice.scratch);
  const int64_t rows = slice.num_rows(s), floats = rows * SavedLayer::floats_per_row(s);
  const auto saved_layer = [&](int64_t layer) {
    return SavedLayer(s, rows, slice.saved ? slice.saved + layer * floats : scratch.layer);
  };
  read_slice(s, slice, x, saved_layer(0).x);
  for (int64_t layer = 0; layer < s.layers; ++layer) {
    // The last layer's output goes where the rows of `normed` are no longer needed.
    float* next = layer + 1 < s.layers ? saved_layer(layer + 1).x : scratch.normed;
    layer_forward<kActivation>(s, slice, layer,
                               LayerPanels(s, turned + layer * LayerPanels::floats(s)),
                               saved_layer(layer), scratch, next);
  }
  write_slice(s, slice, scratch.normed, out);
}

template <int kActivation>
DEEPBIO_INLINE void slice_backward(const StackShape& s, const SliceInput& slice,
                                   const float* grad_out, float* plain, float* grad_x,
                                   float* gradients) {
  const Scratch scratch(s, true, slice.scratch);
  const int64_t rows = slice.num_rows(s), floats = rows * SavedLayer::floats_per_row(s);
  read_slice(s, slice, grad_out, scratch.grad);
  for (int64_t layer = s.layers - 1; layer >= 0; --layer) {
    const int64_t at = layer * LayerPanels::floats(s);
    const LayerPanels sums(s, gradients ? gradients + at : nullptr);
    layer_backward<kActivation>(s, slice, layer, LayerPanels(s, plain + at),
                                SavedLayer(s, rows, slice.saved + layer * floats), scratch,
                                gradients ? &sums : nullptr);
  }
  write_slice(s, slice, scratch.grad, grad_x);
}

DEEPBIO_TARGET void forward(const StackShape& s, const SliceInput& slice, const float* x,
                            float* turned, float* out) {
  if (s.activation == 2) return slice_forward<2>(s, slice, x, turned, out);
  if (s.activation == 1) return slice_forward<1>(s, slice, x, turned, out);
  slice_forward<0>(s, slice, x, turned, out);
}
DEEPBIO_TARGET void backward(const StackShape& s, const SliceInput& slice, const float* grad_out,
                             float* plain, float* grad_x, float* gradients) {
  if (s.activation == 2) return slice_backward<2>(s, slice, grad_out, plain, grad_x, gradients);
  if (s.activation == 1) return slice_backward<1>(s, slice, grad_out, plain, grad_x, gradients);
  slice_backward<0>(s, slice, grad_out, plain, grad_x, gradients);
}
#undef DEEPBIO_INLINE
#undef DEEPBIO_CALL
