// A tokenizer.json of Hugging Face to the parts of a Tokenizer. Whatever would make ids differ from
// Hugging Face's and is not done here is refused with its name, so that a file either gives the
// same ids or an error.
#include "deepbio/seq/tokenizer_json.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "deepbio/base/error.h"
#include "deepbio/base/json.h"

namespace deepbio::seq {
namespace {

// Tokens are a list by id: one damaged id must not ask for all memory.
constexpr int64_t kMostTokens = int64_t{1} << 24;
using Ids = std::unordered_map<std::string, int32_t>;

// The value of a key unless it is absent or null.
const Json* given(const Json& json, std::string_view key) {
  const Json* value = json.is_object() ? json.find(key) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}
bool flag(const Json& json, std::string_view key) {
  const Json* value = given(json, key);
  return value && value->as_bool();
}
void refuse_flag(const Json& model, std::string_view key) {
  if (flag(model, key)) throw ArgumentError(std::string(key) + " is not supported");
}
void refuse_text(const Json& model, std::string_view key) {
  const Json* value = given(model, key);
  if (value && !value->as_string().empty())
    throw ArgumentError(std::string(key) + " is not supported");
}
int32_t checked_id(const Json& value, const std::string& token) {
  const int64_t id = value.as_int();
  if (id < 0 || id >= kMostTokens) {
    throw ArgumentError("id of " + quoted(token) + ": expected 0 to " +
                        std::to_string(kMostTokens - 1) + ", got " + std::to_string(id));
  }
  return static_cast<int32_t>(id);
}

// Every part of the file is read under its name, which an error then begins with.
class JsonTokenizer {
 public:
  JsonTokenizer(const Json& json, const std::string& path) : json_(json), path_(path) {
    parts_.name = path;
  }

  TokenizerParts read() {
    if (!json_.is_object() || !json_.find("model")) {
      throw ConfigError(path_ + ": expected a tokenizer.json with a \"model\", got other JSON");
    }
    // The order matters: merges and special tokens name ids of the vocabulary and of added tokens,
    // and text_of() asks whether the pre-tokenizer is ByteLevel. The model is read twice for that.
    section("normalizer",
            [&](const Json& json) { parts_.normalizer = Normalizer::from_json(json); });
    section("pre_tokenizer",
            [&](const Json& json) { parts_.pre_tokenizer = PreTokenizer::from_json(json); });
    section("model", [&](const Json& json) { read_vocabulary(json); });
    section("added_tokens", [&](const Json& json) { read_added(json); });
    section("model", [&](const Json& json) { read_model(json); });
    section("post_processor", [&](const Json& json) { read_processor(json); });
    section("decoder", [&](const Json& json) { read_decoder(json); });
    section("truncation",
            [&](const Json& json) { parts_.max_length = json.at("max_length").as_int(); });
    name_special_tokens();
    section("padding", [&](const Json& json) { read_padding(json); });
    // Unicode rules of normalizers and pre-tokenizers are not here, so text that would need them is
    // refused.
    parts_.finds_added = parts_.is_ascii = true;
    return std::move(parts_);
  }

 private:
  template <class Read>
  void section(const char* name, Read read) {
    const Json* json = given(json_, name);
    if (!json) return;
    try {
      read(*json);
    } catch (const ConfigError& error) {
      throw ConfigError(path_ + ": " + name + ": " + error.what());
    } catch (const ArgumentError& error) {
      throw ConfigError(path_ + ": " + name + ": " + error.what());
    }
  }

  void add_token(const std::string& token, int32_t id) {
    if (parts_.tokens.size() <= static_cast<size_t>(id))
      parts_.tokens.resize(static_cast<size_t>(id) + 1);
    std::string& place = parts_.tokens[static_cast<size_t>(id)];
    if (!place.empty() && place != token) {
      throw ArgumentError("id " + std::to_string(id) + " stands for both " + quoted(place) +
                          " and " + quoted(token));
    }
    place = token;
    ids_[token] = id;
  }
  int32_t id_of(const std::string& token) const {
    const auto found = ids_.find(token);
    if (found == ids_.end()) throw ArgumentError(quoted(token) + " is not in the vocabulary");
    return found->second;
  }

  // Of the model's own vocabulary: a merge of an added token would name an id that the encoder does
  // not have.
  int32_t model_id_of(const std::string& token) const {
    const int32_t id = id_of(token);
    if (static_cast<size_t>(id) < num_model_tokens_) return id;
    throw ArgumentError(quoted(token) + " is an added token, not one of the vocabulary");
  }

  // Old files leave the type out; only BPE has merges.
  static std::string type_of(const Json& model) {
    const Json* named = given(model, "type");
    std::string type = named ? named->as_string() : model.find("merges") ? "BPE" : "WordLevel";
    if (type != "BPE" && type != "WordPiece" && type != "WordLevel") {
      throw ArgumentError("type " + quoted(type) +
                          " is not supported; expected BPE, WordPiece or WordLevel");
    }
    return type;
  }

  void read_vocabulary(const Json& model) {
    type_of(model);  // another type has another kind of vocabulary
    for (const auto& [token, id] : model.at("vocab").as_object())
      add_token(token, checked_id(id, token));
    num_model_tokens_ = parts_.tokens.size();
  }

  void read_added(const Json& added) {
    for (const Json& json : added.as_array()) {
      AddedToken token;
      token.content = json.at("content").as_string();
      token.id = checked_id(json.at("id"), token.content);
      token.is_special = flag(json, "special");
      token.is_normalized = flag(json, "normalized");
      token.strips_left = flag(json, "lstrip");
      token.strips_right = flag(json, "rstrip");
      if (flag(json, "single_word"))
        throw ArgumentError("single_word of " + quoted(token.content) + " is not supported");
      add_token(token.content, token.id);
      parts_.added.push_back(token);
    }
  }

  void read_model(const Json& model) {
    const std::string type = type_of(model);
    int32_t unknown = -1;
    if (const Json* token = given(model, "unk_token")) unknown = id_of(token->as_string());
    parts_.special.unk = unknown;
    if (type == "BPE") return read_bpe(model, unknown);
    WordTokens words;
    words.unknown_id = unknown;
    // Added tokens were cut out of the text before; only those of the model's own vocabulary can be
    // a word.
    words.ids = ids_;
    for (const AddedToken& token : parts_.added) {
      if (static_cast<size_t>(token.id) >= num_model_tokens_) words.ids.erase(token.content);
    }
    if (type == "WordPiece") {
      words.in_pieces = true;
      words.prefix = model.at("continuing_subword_prefix").as_string();
      words.most_letters = static_cast<size_t>(model.at("max_input_chars_per_word").as_int());
    }
    parts_.model = make_word_model(std::move(words));
  }

  // A token as bytes of the text; "" when no text has it.
  std::string text_of(const std::string& token) const {
    if (!parts_.pre_tokenizer.is_byte_level()) return token;
    std::string out;
    for (size_t i = 0, size = 0; i < token.size(); i += size) {
      size = (token[i] & 0x80) != 0 && i + 1 < token.size() ? 2 : 1;
      const auto found = byte_of_.find(token.substr(i, size));
      if (found == byte_of_.end()) return "";
      out.push_back(found->second);
    }
    return out;
  }

  void read_bpe(const Json& model, int32_t unknown) {
    if (const Json* dropout = given(model, "dropout"); dropout && dropout->as_double() > 0) {
      throw ArgumentError("dropout is not supported");
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
      refuse_text(model, key);
    for (const char* key : {"byte_fallback", "ignore_merges"}) refuse_flag(model, key);
    for (int byte = 0; byte < 256; ++byte) {
      byte_of_[byte_level_letter(static_cast<unsigned char>(byte))] = static_cast<char>(byte);
    }
    BpeTokens bpe;
    bpe.unknown_id = unknown;
    bpe.fuses_unknown = flag(model, "fuse_unk");
    for (size_t id = 0; id < num_model_tokens_; ++id)
      bpe.tokens.push_back(text_of(parts_.tokens[id]));
    const Json::Array& merges = model.at("merges").as_array();
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      try {
        const auto [left, right] = merge_of(merges[rank]);
        bpe.merges.push_back({model_id_of(left), model_id_of(right), model_id_of(left + right)});
      } catch (const Error& error) {
        throw ArgumentError("merges[" + std::to_string(rank) + "]: " + error.what());
      }
    }
    parts_.model = make_bpe_model(std::move(bpe));
  }

  // "a b" or ["a", "b"]
  static std::pair<std::string, std::string> merge_of(const Json& merge) {
    if (merge.is_array() && merge.as_array().size() == 2) {
      return {merge.as_array()[0].as_string(), merge.as_array()[1].as_string()};
    }
    if (merge.is_string()) {
      const std::string& text = merge.as_string();
      const size_t space = text.find(' ');
      if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
        return {text.substr(0, space), text.substr(space + 1)};
      }
    }
    throw ArgumentError("expected two tokens, got " + merge.dump());
  }

  void read_processor(const Json& json) {
    const std::string& type = json.at("type").as_string();
    if (type == "Sequence") {
      for (const Json& step : json.at("processors").as_array()) read_processor(step);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      for (const char* key : {"cls", "sep"}) {
        const Json::Array& pair = json.at(key).as_array();
        if (pair.size() != 2)
          throw ArgumentError(std::string(key) + ": expected a token and its id, got " +
                              json.at(key).dump());
        const int32_t id = checked_id(pair[1], pair[0].as_string());
        (key[0] == 'c' ? parts_.before : parts_.after) = {id};
        (key[0] == 'c' ? parts_.special.cls : parts_.special.sep) = id;
      }
    } else if (type == "TemplateProcessing") {
      read_template(json);
    } else if (type != "ByteLevel") {
      throw ArgumentError(quoted(type) + " is not supported");
    }
  }

  void read_template(const Json& json) {
    bool is_before = true;
    parts_.before.clear();
    parts_.after.clear();
    for (const Json& item : json.at("single").as_array()) {
      if (item.find("Sequence")) {
        if (!is_before) throw ArgumentError("a template with the text twice is not supported");
        is_before = false;
        continue;
      }
      const std::string& token = item.at("SpecialToken").at("id").as_string();
      for (const Json& id : json.at("special_tokens").at(token).at("ids").as_array()) {
        (is_before ? parts_.before : parts_.after).push_back(checked_id(id, token));
      }
    }
    if (is_before) throw ArgumentError("a template without the text is not supported");
  }

  void read_decoder(const Json& json) {
    const std::string& type = json.at("type").as_string();
    if (type == "ByteLevel") {
      parts_.joining = Joining::kByteLevel;
    } else if (type == "WordPiece") {
      parts_.joining = Joining::kWordPieces;
    } else if (type == "BPEDecoder" || type == "Fuse") {
      parts_.joining = Joining::kNothing;
    } else {
      throw ArgumentError(quoted(type) + " is not supported");
    }
    has_decoder_ = true;
  }

  void read_padding(const Json& json) {
    const std::string& token = json.at("pad_token").as_string();
    parts_.special.pad = checked_id(json.at("pad_id"), token);
    const std::string& direction = json.at("direction").as_string();
    parts_.padding_side = direction == "Left" ? Side::kLeft : Side::kRight;
  }

  // Roles by the names that are usual; the file itself names few of them.
  void name_special_tokens() {
    const auto take = [this](int32_t& role, std::initializer_list<const char*> names) {
      for (const char* name : names) {
        const auto found = ids_.find(name);
        if (role < 0 && found != ids_.end()) role = found->second;
      }
    };
    SpecialIds& special = parts_.special;
    take(special.pad, {"[PAD]", "<pad>", "<|pad|>", "<PAD>"});
    take(special.unk, {"[UNK]", "<unk>", "<UNK>"});
    take(special.cls, {"[CLS]", "<cls>", "<CLS>"});
    take(special.sep, {"[SEP]", "<sep>", "<SEP>"});
    take(special.mask, {"[MASK]", "<mask>", "<MASK>"});
    take(special.bos, {"[BOS]", "<bos>", "<s>", "<BOS>", "<|endoftext|>"});
    take(special.eos, {"[EOS]", "<eos>", "</s>", "<EOS>", "<|endoftext|>"});
    // As Hugging Face does without a decoder.
    if (!has_decoder_) parts_.joining = Joining::kSpaces;
    // Texts are encoded without looking at these again.
    for (const int32_t id : {special.pad, special.unk, special.cls, special.sep, special.mask}) {
      if (id >= static_cast<int32_t>(parts_.tokens.size()))
        throw ConfigError(path_ + ": id " + std::to_string(id) +
                          " of a special token is not in the vocabulary");
    }
    for (const auto& ids : {parts_.before, parts_.after}) {
      for (const int32_t id : ids) {
        if (id >= static_cast<int32_t>(parts_.tokens.size()))
          throw ConfigError(path_ + ": post_processor: id " + std::to_string(id) +
                            " is not in the vocabulary");
      }
    }
  }

  const Json& json_;
  std::string path_;
  TokenizerParts parts_;
  Ids ids_;
  size_t num_model_tokens_ = 0;
  std::unordered_map<std::string, char> byte_of_;
  bool has_decoder_ = false;
};

}  // namespace

TokenizerParts read_tokenizer_json(std::string_view json, const std::string& path) {
  const Json parsed = Json::parse(json, path);
  return JsonTokenizer(parsed, path).read();
}

}  // namespace deepbio::seq
