#include "deepbio/io/tables/ids.h"

#include <algorithm>
#include <unordered_set>

#include "deepbio/base/error.h"
#include "deepbio/io/bytes/text.h"

namespace deepbio::io {
namespace {

std::string examples(const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  std::string out;
  for (size_t k = 0; k < std::min<size_t>(ids.size(), 3); ++k)
    out += (k == 0 ? " (" : ", ") + quoted(ids[k]);
  return out + (ids.size() > 3 ? ", ...)" : ")");
}

[[noreturn]] void fail_id(const std::string& path, const std::string& id, const char* what) {
  throw ArgumentError(path + ": the format cannot hold " + std::string(what) + ", as in the id " +
                      quoted(id));
}

}  // namespace

std::vector<std::string> read_id_list(const std::string& path) {
  // Of a table as well as of a plain list: everything after the first tab is passed over.
  std::string text = read_text(path);
  end_lines_with_newline(text);
  std::vector<std::string> ids;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string id = text.substr(at, std::min(text.find('\t', at), end) - at);
    if (id.ends_with('\r')) id.pop_back();
    if (!id.empty()) ids.push_back(std::move(id));
    at = end + 1;
  }
  return ids;
}

// Order is kept within each of the three lists: messages and results follow the files.
IdOverlap compare_ids(const std::vector<std::string>& first,
                      const std::vector<std::string>& second) {
  const std::unordered_set<std::string_view> in_first(first.begin(), first.end());
  const std::unordered_set<std::string_view> in_second(second.begin(), second.end());
  IdOverlap out;
  for (const auto& id : first) (in_second.contains(id) ? out.shared : out.only_first).push_back(id);
  for (const auto& id : second) {
    if (!in_first.contains(id)) out.only_second.push_back(id);
  }
  return out;
}

std::string describe(const IdOverlap& overlap, std::string_view first, std::string_view second) {
  return std::to_string(overlap.only_first.size()) + " samples only in " + std::string(first) +
         examples(overlap.only_first) + ", " + std::to_string(overlap.only_second.size()) +
         " only in " + std::string(second) + examples(overlap.only_second) + ", " +
         std::to_string(overlap.shared.size()) + " in both";
}

void require_utf8_ids(const std::vector<std::string>& ids, const std::string& path) {
  for (const std::string& id : ids) {
    if (find_foreign_byte(id) != std::string::npos) fail_id(path, id, "text that is not UTF-8");
    if (id.find('\0') != std::string::npos) fail_id(path, id, "a zero byte");
  }
}

// What the reader of that text would take for something else.
void require_text_ids(const std::vector<std::string>& ids, const std::string& path) {
  require_utf8_ids(ids, path);
  for (const std::string& id : ids) {
    if (id.find_first_of("\t\r\n") != std::string::npos) fail_id(path, id, "a tab or a line end");
    if (id.starts_with("\xEF\xBB\xBF")) fail_id(path, id, "a byte-order mark");
    // Readers take the quotes off.
    if (id.size() > 1 && id.front() == '"' && id.back() == '"')
      fail_id(path, id, "double quotes around an id");
  }
}

}  // namespace deepbio::io
