// Tokenizers of published models, by name: those whose vocabulary follows from a rule. Ids, special
// tokens, order of letters, padding side: sequence-io.md section D, docs/tokenizers.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "deepbio/seq/tokenizer.h"

namespace deepbio::seq {

// A DNABERT tokenizer for another k, and our own, are built from these too.
struct PresetOptions {
  bool upper_case = false;  // reads lower case as upper case also where the model does not
};

std::vector<std::string> preset_names();
// throws  ArgumentError: an unknown name (with the nearest one), or a model whose vocabulary has to
// be downloaded
TokenizerParts tokenizer_preset(std::string_view name, const PresetOptions& options = {});

}  // namespace deepbio::seq
