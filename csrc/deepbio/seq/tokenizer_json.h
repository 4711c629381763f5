// Reads a Hugging Face tokenizer.json.
//
// Models BPE, WordPiece and WordLevel; normalizers and pre-tokenizers of text_rules.h;
// post-processors BertProcessing, RobertaProcessing, TemplateProcessing, ByteLevel and Sequence of
// them; decoders ByteLevel, BPEDecoder, WordPiece, Fuse and none. What is not supported is refused
// by its name: ids that differ in silence are worse than none.
#pragma once

#include <string>
#include <string_view>

#include "deepbio/seq/tokenizer.h"

namespace deepbio::seq {

// throws  ParseError: not JSON; ConfigError: "PATH: model: ..." with what is wrong or not supported
TokenizerParts read_tokenizer_json(std::string_view json, const std::string& path);

}  // namespace deepbio::seq
