#include "deepbio/base/options.h"

#include <limits>

#include "catch.h"

#include "deepbio/base/error.h"

using deepbio::ConfigError;
using deepbio::Json;
using deepbio::OptionRow;
using deepbio::OptionRows;

namespace {

struct Settings {
  bool is_fast = false;
  int64_t depth = -1, left = 1, right = 1;
  uint64_t seed = 3;
  double rate = 0.5;
  std::string shape = "round";
  std::vector<int64_t> widths;
  std::vector<double> levels{0.25, 0.5};
  std::vector<std::string> columns;
  std::map<std::string, int64_t> sizes;
  std::map<std::string, std::string> kinds;

  OptionRows rows() {
    deepbio::OptionValues depths = deepbio::at_least(0),
                          shapes = deepbio::one_of({"round", "flat"});
    depths.words = {{"auto", -1}};
    shapes.words = {{"disc", "flat"}};
    OptionRow both{"both", &left, "Left and right", deepbio::at_least(1)};
    return {both.sets_all({&right}),
            OptionRow{"fast", &is_fast, "Quick"}.also("is_fast"),
            {"depth", &depth, "How deep", depths},
            {"left", &left, "", deepbio::at_least(1)},
            {"right", &right, "", deepbio::at_least(1)},
            {"seed", &seed, "", deepbio::at_least(0)},
            OptionRow{"rate", &rate, "", deepbio::below_one()}.formerly("speed"),
            {"shape", &shape, "", shapes},
            {"widths", &widths, "", deepbio::at_least(1)},
            {"levels", &levels, "", deepbio::inside_unit()},
            {"columns", &columns, ""},
            {"sizes", &sizes, "", deepbio::at_least(1)},
            {"kinds", &kinds, "", deepbio::one_of({"a", "b"})}};
  }
};

Settings read(const char* text) {
  Settings settings;
  deepbio::from_json(settings.rows(), Json::parse(text));
  return settings;
}

std::string refusal(const char* text) {
  try {
    read(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

CATCH_TEST_CASE("options of every type go through JSON and back", "[options]") {
  const char* text = R"({"fast": true, "depth": 7, "left": 2, )"
                     R"("right": 3, "seed": 9, "rate": 0.25, "shape": "flat", )"
                     R"("widths": [4, 2], "levels": [0.1], "columns": ["site"], )"
                     R"("sizes": {"x": 2}, "kinds": {"0": "b"}})";
  Settings settings = read(text);
  CATCH_CHECK(deepbio::to_json(settings.rows()).dump() == text);
  CATCH_CHECK(settings.is_fast);
  CATCH_CHECK(settings.widths == std::vector<int64_t>{4, 2});
  CATCH_CHECK(settings.kinds.at("0") == "b");
}

CATCH_TEST_CASE("a word stands for a value, in and out", "[options]") {
  CATCH_CHECK(read(R"({"depth": "auto"})").depth == -1);
  CATCH_CHECK(read(R"({"shape": "disc"})").shape == "flat");
  Settings settings;
  CATCH_CHECK(settings.rows()[2].get() == Json("auto"));
  CATCH_CHECK(refusal(R"({"depth": -2})") == "`depth`: expected auto or 0 or more, got -2");
  CATCH_CHECK(refusal(R"({"depth": "deep"})") == "`depth`: expected a whole number, got 'deep'");
}

CATCH_TEST_CASE("one option may set several fields; the option of one of them wins", "[options]") {
  const Settings settings = read(R"({"right": 5, "both": 4})");
  CATCH_CHECK(settings.left == 4);
  CATCH_CHECK(settings.right == 5);
  CATCH_CHECK(deepbio::describe(Settings().rows()).as_array()[0].at("sets").dump() ==
              R"(["left", "right"])");
}

CATCH_TEST_CASE("other and old names are understood, null is the default, a name counts once",
                "[options]") {
  const Settings settings = read(R"({"is_fast": true, "speed": 0.75, "seed": null})");
  CATCH_CHECK(settings.is_fast);
  CATCH_CHECK(settings.rate == 0.75);
  CATCH_CHECK(settings.seed == 3);
  CATCH_CHECK(refusal(R"({"rate": 0.1, "speed": 0.2})") ==
              "`rate`: given twice, the other time as 'speed'");
}

CATCH_TEST_CASE("a refusal names option, what was expected and what came", "[options]") {
  CATCH_CHECK(refusal(R"({"ratte": 1})") == "unknown option 'ratte'; did you mean `rate`?");
  CATCH_CHECK(refusal(R"({"rate": 1})") == "`rate`: expected at least 0 and below 1, got 1");
  CATCH_CHECK(refusal(R"({"rate": "0.5"})") == "`rate`: expected a number, got '0.5'");
  CATCH_CHECK(refusal(R"({"left": 2.5})") == "`left`: expected a whole number, got 2.5");
  CATCH_CHECK(refusal(R"({"left": 0})") == "`left`: expected 1 or more, got 0");
  CATCH_CHECK(refusal(R"({"fast": 1})") == "`fast`: expected true or false, got 1");
  CATCH_CHECK(refusal(R"({"shape": "flatt"})") ==
              "`shape`: expected one of round, flat, got 'flatt'; did you mean flat?");
  CATCH_CHECK(refusal(R"({"widths": 4})") == "`widths`: expected a list of numbers, got 4");
  CATCH_CHECK(refusal(R"({"levels": [0.5, 1]})") ==
              "`levels`: expected above 0 and below 1, got 1");
  CATCH_CHECK(refusal(R"({"sizes": {"x": 0}})") == "`sizes`: expected 1 or more, got 0 for 'x'");
  Settings settings;
  settings.rate = std::numeric_limits<double>::quiet_NaN();
  CATCH_CHECK_THROWS_WITH(deepbio::check_values(settings.rows()),
                          "`rate`: expected at least 0 and below 1, got NaN");
}

CATCH_TEST_CASE("text of a command line becomes values, and what it should look like is told",
                "[options]") {
  Settings settings;
  const OptionRows rows = settings.rows();
  const auto row = [&](const char* name) { return *deepbio::find_option(rows, name); };
  CATCH_CHECK(row("widths").parse("4,2").dump() == "[4, 2]");
  CATCH_CHECK(row("levels").parse("0.5,1e-3").dump() == "[0.5, 0.001]");
  CATCH_CHECK(row("columns").parse("site,2").dump() == R"(["site", "2"])");
  CATCH_CHECK(row("kinds").parse(R"({"0": "a"})").dump() == R"({"0": "a"})");
  CATCH_CHECK(row("left").problem(row("left").parse("many")) ==
              "expected a whole number, got 'many'");
  CATCH_CHECK(row("left").problem(row("left").parse("3x")) == "expected a whole number, got '3x'");
  CATCH_CHECK(row("fast").value_name().empty());
  CATCH_CHECK(row("depth").value_name() == "auto|INT");
  CATCH_CHECK(row("shape").value_name() == "round|flat");
  CATCH_CHECK(row("levels").value_name() == "NUMBER,...");
  CATCH_CHECK(row("columns").value_name() == "NAME,...");
  CATCH_CHECK(row("widths").value_name() == "INT,...");
  CATCH_CHECK(row("kinds").value_name() == "JSON");
  CATCH_CHECK(deepbio::value_text(row("levels").get()) == "0.25,0.5");
  CATCH_CHECK(deepbio::value_text(Json(1.0)) == "1");
  CATCH_CHECK(deepbio::value_text(row("widths").get()) == "none");
}

CATCH_TEST_CASE("an option is mentioned by the field it sets", "[options]") {
  Settings settings;
  const OptionRows rows = settings.rows();
  CATCH_CHECK(deepbio::mention(rows, &settings.rate) == "`rate`");
  CATCH_CHECK(deepbio::mention(rows, &settings.rate, "0") == "`rate=0`");
  CATCH_CHECK(deepbio::mention(rows, &settings.left) == "`left`");  // not of the row that sets both
}
