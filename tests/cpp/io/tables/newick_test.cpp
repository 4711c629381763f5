#include "deepbio/io/tables/newick.h"

#include <ctime>

#include "catch.h"
#include <zlib.h>

#include "deepbio/base/error.h"

using namespace deepbio;
using namespace deepbio::io;

namespace {

Tree parse(const std::string& text) { return parse_newick(text, "test.nwk"); }

ParseError failure(const std::string& text) {
  try {
    parse(text);
  } catch (const ParseError& error) {
    return error;
  }
  throw std::logic_error("no error for " + text);
}

}  // namespace

CATCH_TEST_CASE("nodes come children first with their parents, names and lengths", "[newick]") {
  const Tree tree = parse("((a:1,b:2.5e-1)ab:3,c:4)root;");
  CATCH_REQUIRE(tree.name == std::vector<std::string>{"a", "b", "ab", "c", "root"});
  CATCH_REQUIRE(tree.parent == std::vector<int64_t>{2, 2, 4, 4, -1});
  CATCH_REQUIRE(tree.length == std::vector<double>{1, 0.25, 3, 4, kNoLength});
  CATCH_REQUIRE(tree.is_tip == std::vector<bool>{true, true, false, true, false});
  CATCH_REQUIRE(tree.num_tips() == 3);
}

CATCH_TEST_CASE("comments, white space, CRLF, a BOM and a missing semicolon are understood",
                "[newick]") {
  const std::string plain = to_newick(parse("((a:1,b:2)c:3,d:4);"));
  CATCH_REQUIRE(
      to_newick(parse(
          "\xEF\xBB\xBF[&R] (\r\n ( a : 1 [&x={1,2}] ,\tb:[c]2 ) c:3 ,\n d:4 ) ;\r\n[end]\n")) ==
      plain);
  CATCH_REQUIRE(to_newick(parse("((a:1,b:2)c:3,d:4)")) == plain);
  CATCH_REQUIRE(to_newick(parse("((a:1,b[outer [inner] outer]:2)c:3,d:4);")) == plain);
}

CATCH_TEST_CASE("quoted labels keep spaces, structure and doubled quotes; underscores stay",
                "[newick]") {
  const Tree tree = parse("('p__X; c__Y (class)':1,'B''s':2,a_b:3,'':4,'[no comment]':5,'x:y':6);");
  const std::vector<std::string> names{"p__X; c__Y (class)", "B's", "a_b", "",
                                       "[no comment]",       "x:y", ""};
  CATCH_REQUIRE(tree.name == names);
  CATCH_REQUIRE(parse(to_newick(tree)).name == names);
}

CATCH_TEST_CASE("empty labels, polytomies and single-child nodes are accepted", "[newick]") {
  CATCH_REQUIRE(parse("(,,(,));").num_tips() == 4);
  CATCH_REQUIRE(parse("((((a:1):2):3):4);").num_nodes() == 5);
  CATCH_REQUIRE(parse("a;").num_nodes() == 1);
}

CATCH_TEST_CASE("lengths are read in any notation and missing ones stay missing", "[newick]") {
  CATCH_REQUIRE(parse("(a:6e-09,b:+1.5,c:1E2,d:0,e:1e-400,f);").length ==
                std::vector<double>{6e-9, 1.5, 100, 0, 0, kNoLength, kNoLength});
}

CATCH_TEST_CASE("faults are named with line and byte", "[newick]") {
  struct Case {
    const char* text;
    int64_t line, offset;
    const char* message;
  };
  const Case cases[] = {
      {"", 1, 0, "nothing in the file"},
      {"  \n ;", 2, 4, "an empty tree"},
      {"((a,b);", 1, 0, "never closed"},
      {"(a,b));", 1, 5, "')' without '('"},
      {"(a,\nb)x\n;\nmore", 4, 10, "nothing after the ';'"},
      {"(a,b);(c,d);", 1, 6, "nothing after the ';'"},
      {"(a:1,b:x);", 1, 7, "branch length"},
      {"(a:1,b:nan);", 1, 7, "branch length"},
      {"(a:1,b:inf);", 1, 7, "branch length"},
      {"(a:1,b:1e999);", 1, 7, "branch length"},
      {"(a:1,b:);", 1, 7, "branch length"},
      {"(a b,c);", 1, 3, "after a node"},
      {"(a,'b);", 1, 3, "closing quote"},
      {"(a,b[x);", 1, 4, "end of a comment"},
      {"(B's,c);", 1, 2, "quote inside a label"},
      {"a,b;", 1, 1, "root"},
  };
  for (const Case& item : cases) {
    CATCH_CAPTURE(item.text);
    const ParseError error = failure(item.text);
    CATCH_REQUIRE_THAT(error.what(), Catch::Contains(item.message));
    CATCH_REQUIRE(error.place().path == "test.nwk");
    CATCH_REQUIRE(error.place().line == item.line);
    CATCH_REQUIRE(error.place().offset_bytes == item.offset);
  }
}

CATCH_TEST_CASE("a tree cut anywhere inside is an error or a shorter tree, never a crash",
                "[newick]") {
  const std::string text = "(('a b':1.5,[c]d:2)x:3,e:4e-1)r:0;";
  for (size_t size = 0; size < text.find_last_of(')') + 1; ++size) {
    CATCH_CAPTURE(size);
    CATCH_REQUIRE_THROWS_AS(parse(text.substr(0, size)), ParseError);
  }
}

CATCH_TEST_CASE("trees a million deep and a million wide are read and written in one go",
                "[newick]") {
  constexpr int64_t kMillion = 1000000;
  std::string deep(kMillion, '(');
  deep += "tip:1";
  for (int64_t k = 0; k < kMillion; ++k) deep += "):1";
  deep += ";\n";
  const Tree ladder = parse(deep);
  CATCH_REQUIRE(ladder.num_nodes() == kMillion + 1);
  CATCH_REQUIRE(ladder.num_tips() == 1);
  CATCH_REQUIRE(to_newick(ladder) == deep);

  std::string wide = "(";
  for (int64_t k = 0; k < kMillion; ++k) wide += (k == 0 ? "t" : ",t") + std::to_string(k) + ":0.5";
  wide += ");\n";
  const Tree star = parse(wide);
  CATCH_REQUIRE(star.num_tips() == kMillion);
  CATCH_REQUIRE(star.name[kMillion - 1] == "t999999");
  CATCH_REQUIRE(to_newick(star) == wide);
}

namespace {

// A chain of nodes, a comb (a ladder of tips), or a star.
std::string tree_text(const std::string& shape, int64_t num_tips) {
  std::string text;
  if (shape == "star") {
    text = "(";
    for (int64_t k = 0; k < num_tips; ++k) text += (k == 0 ? "t" : ",t") + std::to_string(k) + ":1";
    return text + ");";
  }
  text.assign(static_cast<size_t>(num_tips), '(');
  text += "t:1";
  for (int64_t k = 0; k < num_tips; ++k) text += shape == "comb" ? ",u:1):1" : "):1";
  return text + ";";
}

// Highest resident memory since the last call of forget_peak.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }
int64_t kib_of(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stoll(line.substr(name.size() + 1));
  }
  return -1;
}

}  // namespace

CATCH_TEST_CASE(
    "a tree of any shape takes fewer than 200 bytes a node at its peak, and linear time",
    "[newick]") {
  for (const std::string shape : {"chain", "comb", "star"}) {
    CATCH_CAPTURE(shape);
    const std::string small_text = tree_text(shape, 250000), text = tree_text(shape, 1000000);
    const auto start = std::clock();
    parse(small_text);
    const auto middle = std::clock();
    const int64_t before_kib = kib_of("VmRSS:");
    forget_peak();
    const Tree tree = parse(text);
    const double peak_bytes = 1024.0 * static_cast<double>(kib_of("VmHWM:") - before_kib);
    const auto end = std::clock();
    CATCH_REQUIRE(peak_bytes / static_cast<double>(tree.num_nodes()) < 200);
    // Four times the text; quadratic time would be sixteen times as long.
    CATCH_REQUIRE(static_cast<double>(end - middle) <
                  10 * static_cast<double>(middle - start) + 0.05 * CLOCKS_PER_SEC);
  }
}

CATCH_TEST_CASE("writing and reading again gives the same tree", "[newick]") {
  const test::TemporaryFolder folder;
  const Tree tree = parse("((a:0.1,'b c':1e-300)n1:3,(d:4,e:5)'x''y':6,f)root:7;");
  write_newick(folder / "tree.nwk", tree);
  const Tree again = read_newick(folder / "tree.nwk");
  CATCH_REQUIRE(again.name == tree.name);
  CATCH_REQUIRE(again.parent == tree.parent);
  CATCH_REQUIRE(again.length == tree.length);
  CATCH_REQUIRE(again.is_tip == tree.is_tip);
  CATCH_REQUIRE_THROWS_AS(write_newick(folder / "tree.nwk", tree, Overwrite::kRefuse), WriteError);
}

CATCH_TEST_CASE("a label that begins with a byte-order mark survives writing", "[newick]") {
  const Tree tree = parse("'\xEF\xBB\xBFh';");
  CATCH_REQUIRE(parse(to_newick(tree)).name == tree.name);
}

CATCH_TEST_CASE("a gzipped tree is read by content", "[newick]") {
  const test::TemporaryFolder folder;
  const gzFile file = gzopen((folder / "tree.nwk").c_str(), "wb");
  gzputs(file, "(a:1,b:2);");
  gzclose(file);
  CATCH_REQUIRE(read_newick(folder / "tree.nwk").num_tips() == 2);
}

CATCH_TEST_CASE("the SEPP and FastTree trees of the real sets have the tips their notes state",
                "[newick][real]") {
  DEEPBIO_NEEDS_SHARED();
  CATCH_REQUIRE(read_newick(test::shared("microbiome/ibd_2538/tree.nwk")).num_tips() == 217407);
  CATCH_REQUIRE(read_newick(test::shared("microbiome/ibd_2538/tree.sheared.nwk")).num_tips() ==
                9970);
  CATCH_REQUIRE(read_newick(test::shared("microbiome/oral_age_2550/tree.nwk")).num_tips() >= 5574);
  CATCH_REQUIRE(read_newick(test::shared("microbiome/formats/su_test.nwk")).num_tips() == 5);
}
