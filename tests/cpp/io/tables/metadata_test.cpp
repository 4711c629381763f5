#include "deepbio/io/tables/metadata.h"

#include "catch.h"

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

Metadata parse(const std::string& text) {
  const test::TemporaryFolder folder;
  test::write_text(folder / "metadata.tsv", text);
  return read_metadata(folder / "metadata.tsv");
}

ParseError failure(const std::string& text) {
  try {
    parse(text);
  } catch (const ParseError& error) {
    return error;
  }
  throw std::logic_error("no error for " + text);
}

}  // namespace

CATCH_TEST_CASE("ids, columns, types and values are read as text", "[metadata]") {
  const Metadata metadata = parse(
      "sample-id\tage\tsite\n#q2:types\tnumeric\tcategorical\n2538.1000101\t36.0\tgut\n007\t  "
      "\t\n");
  CATCH_REQUIRE(metadata.id_column == "sample-id");
  CATCH_REQUIRE(metadata.ids == std::vector<std::string>{"2538.1000101", "007"});
  CATCH_REQUIRE(metadata.columns == std::vector<std::string>{"age", "site"});
  CATCH_REQUIRE(metadata.types == std::vector<std::string>{"numeric", "categorical"});
  CATCH_REQUIRE(metadata.values[1] == std::vector<std::string>{"gut", ""});
  CATCH_REQUIRE(metadata.lines == std::vector<int64_t>{3, 4});
  CATCH_REQUIRE(metadata.row_of.at("007") == 1);
  CATCH_REQUIRE(numeric_value(metadata, 0, 0) == 36.0);
  CATCH_REQUIRE_FALSE(numeric_value(metadata, 0, 1).has_value());
}

CATCH_TEST_CASE("every id column QIIME 2 knows is accepted", "[metadata]") {
  for (const char* name :
       {"#SampleID", "sample_name", "sampleid", "sample-id", "SampleID", "id", "ID", "#Sample ID",
        "Feature ID", "feature-id", "#OTU ID", "sample_id", "Sample_Name"}) {
    CATCH_CAPTURE(name);
    CATCH_REQUIRE(parse(std::string(name) + "\tx\na\t1\n").ids.size() == 1);
  }
}

CATCH_TEST_CASE(
    "BOM, CRLF, comments, blank lines, quotes and a missing final newline are understood",
    "[metadata]") {
  const Metadata metadata = parse(
      "\xEF\xBB\xBF# written by hand\r\n\r\nid\tnote\t\"a \"\"b\"\"\"\t\t\r\n# a "
      "comment\r\ns1\t\"tab\there\nand "
      "line\"\t1\r\n"
      "\r\n\t\t\r\n\"#s2\"\tplain 5\" pipe\r\ns3\t\"x\"\t2");
  CATCH_REQUIRE(metadata.columns == std::vector<std::string>{"note", "a \"b\""});
  CATCH_REQUIRE(metadata.ids == std::vector<std::string>{"s1", "#s2", "s3"});
  CATCH_REQUIRE(metadata.values[0] ==
                std::vector<std::string>{"tab\there\nand line", "plain 5\" pipe", "x"});
  CATCH_REQUIRE(metadata.values[1] == std::vector<std::string>{"1", "", "2"});
  CATCH_REQUIRE(metadata.lines == std::vector<int64_t>{5, 9, 10});
}

CATCH_TEST_CASE(
    "only the empty cell is missing: none and NA are values, as in QIIME 2 and scikit-bio",
    "[metadata]") {
  const Metadata metadata =
      parse("sample-id\ttreatment\tcountry\nS1\tnone\tNA\nS2\tdrug\tDE\nS3\t\t  \n");
  CATCH_REQUIRE(metadata.values[0] == std::vector<std::string>{"none", "drug", ""});
  CATCH_REQUIRE(metadata.values[1] == std::vector<std::string>{"NA", "DE", ""});
  CATCH_REQUIRE_FALSE(is_missing("none"));
  CATCH_REQUIRE_FALSE(is_missing("Missing: Not provided"));
  CATCH_REQUIRE(is_missing(" "));
  CATCH_REQUIRE(missing_report(metadata, 0) == "1 empty");
}

CATCH_TEST_CASE("words are missing where the file or the options say so, and are counted",
                "[metadata]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "m.tsv";
  const auto words_of = [](const Metadata& metadata) {
    std::vector<std::pair<std::string, int64_t>> out;
    for (const MissingWord& word : metadata.missing)
      out.emplace_back(word.column + "=" + word.word, word.count);
    return out;
  };
  using Words = std::vector<std::pair<std::string, int64_t>>;
  test::write_text(path,
                   "id\ta\tb\n1\tNA\tNA\n2\tna\t7\n3\tmissing: lab stock\tNot Provided\n4\tNA\t\n");
  CATCH_REQUIRE(words_of(read_metadata(path)) == Words{{"b=", 1}});
  CATCH_REQUIRE(words_of(read_metadata(path, {{"NA"}})) ==
                Words{{"a=NA", 2}, {"b=", 1}, {"b=NA", 1}});
  const Metadata insdc = read_metadata(path, {{"INSDC", "na"}});
  CATCH_REQUIRE(words_of(insdc) ==
                Words{{"a=missing: lab stock", 1}, {"a=na", 1}, {"b=", 1}, {"b=Not Provided", 1}});
  CATCH_REQUIRE(insdc.values[0] == std::vector<std::string>{"NA", "", "", "NA"});
  CATCH_REQUIRE(missing_report(insdc, 1) == "1 empty, 1 'Not Provided'");

  test::write_text(
      path,
      "id\ta\tb\n#q2:types\tcategorical\tcategorical\n#q2:missing\tINSDC:missing\tblank\n"
      "1\tnot collected\tnot collected\n2\tx\t\n");
  CATCH_REQUIRE(words_of(read_metadata(path)) == Words{{"a=not collected", 1}, {"b=", 1}});
  CATCH_REQUIRE(parse("id\ta\n#q2:missing\tno-missing\n1\tNA\n").values[0] ==
                std::vector<std::string>{"NA"});
  CATCH_REQUIRE_THROWS_WITH(parse("id\ta\n#q2:missing\tno-missing\n1\tx\n2\t\n"),
                            Catch::Contains("line 4") && Catch::Contains("no-missing"));
  CATCH_REQUIRE_THROWS_WITH(parse("id\ta\n#q2:missing\tsometimes\n1\tx\n"),
                            Catch::Contains("INSDC:missing"));
  CATCH_REQUIRE_THROWS_WITH(parse("id\ta\n1\tx\n#q2:missing\tblank\n"),
                            Catch::Contains("right below the header"));
}

CATCH_TEST_CASE("a word among numbers is refused with the way out", "[metadata]") {
  const Metadata metadata = parse("id\tage\n1\t36\n2\tnot provided\n");
  CATCH_REQUIRE_FALSE(is_numeric(metadata, 0));
  CATCH_REQUIRE_THROWS_WITH(numeric_value(metadata, 0, 1), Catch::Contains("line 3") &&
                                                               Catch::Contains("'not provided'") &&
                                                               Catch::Contains("missing_values"));
}

CATCH_TEST_CASE("CR alone ends a line, as Excel for Mac writes it, but not inside quotes",
                "[metadata]") {
  const Metadata metadata = parse("id\tnote\ra\t\"one\rtwo\"\rb\tx\r\nc\ty\rd\tz");
  CATCH_REQUIRE(metadata.ids == std::vector<std::string>{"a", "b", "c", "d"});
  CATCH_REQUIRE(metadata.values[0] == std::vector<std::string>{"one\rtwo", "x", "y", "z"});
  CATCH_REQUIRE(metadata.lines == std::vector<int64_t>{2, 4, 5, 6});
}

CATCH_TEST_CASE("numbers are read exactly and other text is refused with its line", "[metadata]") {
  const Metadata metadata =
      parse("id\tx\na\t+1.5e-3\nb\t-7\nc\ttwelve\nd\t1,5\ne\tinf\nf\t3 weeks\n");
  CATCH_REQUIRE(numeric_value(metadata, 0, 0) == 1.5e-3);
  CATCH_REQUIRE(numeric_value(metadata, 0, 1) == -7.0);
  for (int64_t row = 2; row < 6; ++row) {
    CATCH_CAPTURE(row);
    CATCH_REQUIRE_THROWS_AS(numeric_value(metadata, 0, row), ParseError);
  }
  CATCH_REQUIRE_THROWS_WITH(numeric_value(metadata, 0, 2), Catch::Contains("line 4") &&
                                                               Catch::Contains("twelve") &&
                                                               Catch::Contains("metadata.tsv"));
}

CATCH_TEST_CASE("a column is numeric as declared, or when every value that is there is a number",
                "[metadata]") {
  const test::TemporaryFolder folder;
  test::write_text(
      folder / "m.tsv",
      "id\tage\tcode\tmixed\tnone\n#q2:types\t\tcategorical\t\t\na\t1e3\t7\t4\t\nb\t\t8\tx\t\n");
  const Metadata metadata = read_metadata(folder / "m.tsv");
  CATCH_REQUIRE(is_numeric(metadata, 0));
  CATCH_REQUIRE_FALSE(is_numeric(metadata, 1));
  CATCH_REQUIRE_FALSE(is_numeric(metadata, 2));
  CATCH_REQUIRE_FALSE(is_numeric(metadata, 3));
}

CATCH_TEST_CASE("faults of a file are named with their line", "[metadata]") {
  struct Case {
    const char* text;
    int64_t line;
    const char* message;
  };
  const Case cases[] = {
      {"name\tx\na\t1\n", 1, "sample-id"},
      {"id\tx\tx\na\t1\t2\n", 1, "twice"},
      {"id\tx\t\ty\na\t1\t2\t3\n", 1, "a name for column 3"},
      {"id\tx\na\t1\n\na\t2\n", 4, "first on line 2"},
      {"id\tx\na\t1\n\t2\n", 3, "an id in the first column"},
      {"id\tx\na\t1\t2\n", 2, "at most 2 cells"},
      {"id\tx\n#q2:types\tnumber\na\t1\n", 2, "numeric or categorical"},
      {"id\tx\na\t\"open\nb\t1\n", 2, "closing double quote"},
      {"id\tx\na\t\"q\" r\n", 2, "after a closing double quote"},
  };
  for (const Case& item : cases) {
    CATCH_CAPTURE(item.text);
    const ParseError error = failure(item.text);
    CATCH_REQUIRE(error.place().line == item.line);
    CATCH_REQUIRE_THAT(error.what(), Catch::Contains(item.message));
  }
  CATCH_REQUIRE(failure("").place().line == -1);  // a file without lines has no last one
  CATCH_REQUIRE(failure("# only a comment\n").place().line == 1);
}

CATCH_TEST_CASE("an unknown column is refused with the nearest one and the list", "[metadata]") {
  const Metadata metadata = parse("id\tage_years\tsite\na\t1\tgut\n");
  CATCH_REQUIRE(metadata.column("site") == 1);
  CATCH_REQUIRE_THROWS_AS(metadata.column("age_year"), ConfigError);
  CATCH_REQUIRE_THROWS_WITH(metadata.column("age_year"),
                            Catch::Contains("did you mean") && Catch::Contains("age_years, site"));
}

CATCH_TEST_CASE("writing and reading again gives the same metadata", "[metadata]") {
  const test::TemporaryFolder folder;
  const Metadata metadata = parse(
      "#SampleID\tnote\n#q2:types\tcategorical\n\"#s1\"\t\"a\tb\"\ns2\t\"say "
      "\"\"hi\"\"\nthere\"\ns3\t\n");
  write_metadata(folder / "copy.tsv", metadata);
  const Metadata again = read_metadata(folder / "copy.tsv");
  CATCH_REQUIRE(again.id_column == "#SampleID");
  CATCH_REQUIRE(again.ids == metadata.ids);
  CATCH_REQUIRE(again.types == metadata.types);
  CATCH_REQUIRE(again.values == metadata.values);
}

CATCH_TEST_CASE("what would not be read back is not written", "[metadata]") {
  const test::TemporaryFolder folder;
  for (const std::string& bad :
       {std::string(" a"), std::string("a\t"), std::string("a\0b", 3), std::string("\xff")}) {
    CATCH_CAPTURE(bad);
    Metadata metadata = parse("id\tx\na\t1\n");
    metadata.ids[0] = bad;
    CATCH_REQUIRE_THROWS_AS(write_metadata(folder / "m.tsv", metadata), ArgumentError);
    CATCH_REQUIRE_FALSE(std::filesystem::exists(folder / "m.tsv"));
  }
}

CATCH_TEST_CASE("the metadata of the six real sets is read whole", "[metadata][real]") {
  DEEPBIO_NEEDS_SHARED();
  const std::pair<const char*, size_t> sets[] = {
      {"oral_age_2550", 2537},    {"ibd_2538", 646}, {"ecam_10249", 741},
      {"sleep_apnea_10422", 189}, {"cfs_150nt", 88}, {"moving_pictures", 34}};
  for (const auto& [set, num_rows] : sets) {
    CATCH_CAPTURE(set);
    CATCH_REQUIRE(read_metadata(test::shared("microbiome/" + std::string(set) + "/metadata.tsv"))
                      .ids.size() == num_rows);
  }
  const auto ibd = read_metadata(test::shared("microbiome/ibd_2538/metadata.tsv"));
  CATCH_REQUIRE(numeric_value(ibd, ibd.column("age"), ibd.row_of.at("2538.1000101")) == 56.0);
}
