#include "deepbio/seq/tokenizer_json.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::seq;

namespace {

// A BPE with added tokens; `parts` are further keys of the file.
std::string file_with(const std::string& parts, const std::string& model = "") {
  return R"({"added_tokens":[{"id":4,"content":"[X]","special":true,"lstrip":true},)"
         R"({"id":3,"content":"[U]","special":true}],)" +
         parts + R"("model":{"type":"BPE",)" + model +
         R"("unk_token":"[U]","vocab":{"A":0,"C":1,"AC":2,"[U]":3},"merges":["A C"]}})";
}

std::vector<int32_t> encode(const std::string& json, std::string_view text) {
  return Tokenizer(read_tokenizer_json(json, "t.json")).encode(text);
}

}  // namespace

CATCH_TEST_CASE("A BPE file with added tokens and a template reads as it says",
                "[tokenizer_json]") {
  CATCH_REQUIRE(encode(file_with(""), "ACN [X]A") == std::vector<int32_t>{2, 3, 4, 0});
  const std::string around =
      R"("post_processor":{"type":"TemplateProcessing","single":[
      {"SpecialToken":{"id":"[X]","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}}],
      "special_tokens":{"[X]":{"id":"[X]","ids":[4],"tokens":["[X]"]}}},)";
  CATCH_REQUIRE(encode(file_with(around), "C") == std::vector<int32_t>{4, 1});
}

CATCH_TEST_CASE("What is not supported or wrong is named with path and part", "[tokenizer_json]") {
  const auto message = [](const std::string& json) -> std::string {
    try {
      read_tokenizer_json(json, "t.json");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  CATCH_REQUIRE(message(file_with("", R"("dropout":0.1,)")) ==
                "t.json: model: dropout is not supported");
  CATCH_REQUIRE(message(file_with(R"("normalizer":{"type":"Nmt"},)")) ==
                "t.json: normalizer: normalizer 'Nmt' is not supported");
  CATCH_REQUIRE(message("{}") ==
                "t.json: expected a tokenizer.json with a \"model\", got other JSON");
  CATCH_REQUIRE_THROWS_AS(read_tokenizer_json("{", "t.json"), ParseError);
}

CATCH_TEST_CASE("A merge of an added token is refused, which is no symbol of the model",
                "[tokenizer_json]") {
  const std::string file =
      R"({"added_tokens":[{"id":4000,"content":"Z"}],"model":{"type":"BPE","vocab":{"A":0,"ZA":1},)"
      R"("merges":["Z A"]}})";
  CATCH_REQUIRE_THROWS_WITH(read_tokenizer_json(file, "t.json"),
                            "t.json: model: merges[0]: 'Z' is an added token, not one of the "
                            "vocabulary");
}
