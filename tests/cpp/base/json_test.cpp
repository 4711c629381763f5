#include "deepbio/base/json.h"

#include <cmath>
#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;

namespace {

ParseError parse_error_of(const std::string& text) {
  try {
    Json::parse(text, "config.json");
  } catch (const ParseError& error) {
    return error;
  }
  throw std::logic_error("parsed: " + text.substr(0, 80));
}

}  // namespace

CATCH_TEST_CASE("JSON text is read into typed values in the order of the file", "[json]") {
  const Json value =
      Json::parse(R"({"z": 1, "a": [true, null, -2.5, "x"], "m": {"k": 9007199254740993}})");
  CATCH_REQUIRE(value.as_object().size() == 3);
  CATCH_CHECK(value.as_object()[0].first == "z");
  CATCH_CHECK(value.as_object()[2].first == "m");
  CATCH_CHECK(value.at("z").is_int());
  const Json::Array& list = value.at("a").as_array();
  CATCH_CHECK(list[0].as_bool());
  CATCH_CHECK(list[1].is_null());
  CATCH_CHECK(list[2].as_double() == -2.5);
  CATCH_CHECK(list[3].as_string() == "x");
  // 2^53 + 1 does not fit a double, so it shows that integers stay integers.
  CATCH_CHECK(value.at("m").at("k").as_int() == 9007199254740993);
}

CATCH_TEST_CASE("Escapes and UTF-8 in JSON text are decoded", "[json]") {
  CATCH_CHECK(Json::parse(R"("a\n\u00e9\ud83e\uddec")").as_string() ==
              "a\n\xc3\xa9\xf0\x9f\xa7\xac");
}

CATCH_TEST_CASE("Written JSON reads back as the same value", "[json]") {
  Json value;
  value.set("name", "a\"b\\\n\t\x01");
  value.set("list", Json::array_of(std::vector<int64_t>{1, -2, 3}));
  value.set("third", 1.0 / 3.0);
  value.set("tiny", 5e-324);
  value.set("whole", 2.0);
  value.set("empty", Json::object());
  CATCH_CHECK(Json::parse(value.dump()) == value);
  CATCH_CHECK(Json::parse(value.dump(2)) == value);
  CATCH_CHECK(Json::parse(value.dump()).at("whole").is_int() == false);
}

CATCH_TEST_CASE("JSON is written on one line or indented", "[json]") {
  Json value;
  value.set("a", 1);
  value.set("b", Json::array_of(std::vector<int64_t>{}));
  CATCH_CHECK(value.dump() == R"({"a": 1, "b": []})");
  CATCH_CHECK(value.dump(2) == "{\n  \"a\": 1,\n  \"b\": []\n}");
}

CATCH_TEST_CASE("NaN and infinities are written as null", "[json]") {
  CATCH_CHECK(Json(std::nan("")).dump() == "null");
  CATCH_CHECK(Json(std::numeric_limits<double>::infinity()).dump() == "null");
}

CATCH_TEST_CASE("Text that is not JSON is refused with line and byte", "[json]") {
  const ParseError error = parse_error_of("{\n  \"a\": 1,\n  \"b\": x\n}");
  CATCH_CHECK(error.place().path == "config.json");
  CATCH_CHECK(error.place().line == 3);
  CATCH_CHECK(error.place().offset_bytes == 19);
}

CATCH_TEST_CASE("Whatever strict JSON forbids is refused", "[json]") {
  for (const char* text :
       {"",          " ",       "{",        "[1,]", "{\"a\":1,}", "// c\n1", "/* c */ 1", "NaN",
        "-Infinity", "1 2",     "{} x",     "01",   "1.",         ".5",      "+1",        "'a'",
        "\"a",       "\"\\x\"", "\"\xff\"", "[1",   "tru",        "\"\n\"",  "1e999"}) {
    CATCH_INFO(text);
    CATCH_CHECK_THROWS_AS(Json::parse(text), ParseError);
  }
}

CATCH_TEST_CASE("A key that stands twice in an object is refused", "[json]") {
  const ParseError error = parse_error_of("{\"a\": 1,\n \"a\": 2}");
  CATCH_CHECK(std::string(error.what()).find("'a'") != std::string::npos);
  CATCH_CHECK(error.place().line == 2);
  CATCH_CHECK_NOTHROW(Json::parse(R"({"a": {"a": 1}, "b": {"a": 2}})"));
}

CATCH_TEST_CASE("Nesting of 256 is read and 257 is refused", "[json]") {
  CATCH_CHECK_NOTHROW(Json::parse(std::string(256, '[') + std::string(256, ']')));
  CATCH_CHECK_THROWS_AS(Json::parse(std::string(257, '[') + std::string(257, ']')), ParseError);
  CATCH_CHECK_THROWS_AS(Json::parse(std::string(1'000'000, '[')), ParseError);
}

CATCH_TEST_CASE("JSON text cut anywhere is refused", "[json]") {
  const std::string text = R"({"a": [1, 2.5, "x\n"], "b": {"c": null, "d": true}})";
  for (size_t size = 0; size < text.size(); ++size) {
    CATCH_INFO(text.substr(0, size));
    CATCH_CHECK_THROWS_AS(Json::parse(text.substr(0, size)), ParseError);
  }
}

CATCH_TEST_CASE("Asking for another type or a missing key is a ConfigError that names it",
                "[json]") {
  const Json value = Json::parse(R"({"epochs": "ten"})");
  CATCH_CHECK_THROWS_WITH(value.at("epochs").as_int(),
                          Catch::Contains("integer") && Catch::Contains("string"));
  CATCH_CHECK_THROWS_WITH(value.at("batch"), Catch::Contains("'batch'"));
  CATCH_CHECK_THROWS_AS(Json(1.5).as_int(), ConfigError);
  CATCH_CHECK_THROWS_AS(Json(1).as_array(), ConfigError);
  CATCH_CHECK(Json(1).as_double() == 1.0);
  CATCH_CHECK(value.find("batch") == nullptr);
}

CATCH_TEST_CASE("Integers beyond 64 bits become doubles, not other integers", "[json]") {
  CATCH_CHECK(Json::parse("9223372036854775807").as_int() == INT64_MAX);
  CATCH_CHECK(Json::parse("-9223372036854775808").as_int() == INT64_MIN);
  CATCH_CHECK_FALSE(Json::parse("9223372036854775808").is_int());
  CATCH_CHECK(Json::parse("9223372036854775808").as_double() == 0x1p63);
}
