// A batch of records is flat: all names in one string, all sequences in another, with the offsets
// between them. So it is a few allocations, whatever the number of records, and becomes tensors
// without a copy.
#include "deepbio/io/reads/fastx_record.h"

#include "deepbio/base/error.h"

namespace deepbio::io {
namespace {

void append_slice(std::string_view text, BlockString& data, std::vector<int64_t>& offsets) {
  if (!text.empty()) data.append(text);  // what was not asked for costs nothing
  offsets.push_back(static_cast<int64_t>(data.size()));
}

std::string title_of(const Record& record) {
  return record.description.empty() ? record.name : record.name + " " + record.description;
}

}  // namespace

void RecordBatch::append(const RecordView& record) {
  append_slice(record.name, names, name_offsets);
  append_slice(record.description, descriptions, description_offsets);
  append_slice(record.sequence, sequences, sequence_offsets);
  append_slice(record.quality, qualities, quality_offsets);
}

void RecordBatch::append(const Record& record) {
  append(RecordView{record.name, record.description, record.sequence, record.quality,
                    record.has_quality, 0});
}

void RecordBatch::clear() {
  for (BlockString* data : {&names, &descriptions, &sequences, &qualities}) data->clear();
  for (std::vector<int64_t>* offsets :
       {&name_offsets, &description_offsets, &sequence_offsets, &quality_offsets}) {
    offsets->assign(1, 0);
  }
}

std::string to_fasta(const Record& record, int64_t width) {
  std::string out = ">" + title_of(record) + "\n";
  // The loop does not run for an empty sequence, so a step of 0 does no harm.
  const size_t step = width > 0 ? static_cast<size_t>(width) : record.sequence.size();
  for (size_t at = 0; at < record.sequence.size(); at += step) {
    out.append(record.sequence, at, step);
    out += '\n';
  }
  return out;
}

std::string to_fastq(const Record& record) {
  if (record.quality.size() != record.sequence.size()) {
    throw ArgumentError("to_fastq: expected " + std::to_string(record.sequence.size()) +
                        " quality bytes, got " + std::to_string(record.quality.size()));
  }
  return "@" + title_of(record) + "\n" + record.sequence + "\n+\n" + record.quality + "\n";
}

}  // namespace deepbio::io
